"""What citizens and organisations do: apply, follow, correct, withdraw, receive, rate."""

from __future__ import annotations

from portal.citizen import acting, applying, appointments, bundles, cases, changing, home, messages, packages
from portal.citizen.room import CITIZEN

__all__ = [
    "CITIZEN", "acting", "applying", "appointments", "bundles", "cases", "changing", "home", "messages", "packages",
]  # fmt: skip
