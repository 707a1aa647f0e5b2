"""Dashboards as code: one module per page or kind of page; ``panels`` is what they share. ``make dashboards`` writes the JSON."""
