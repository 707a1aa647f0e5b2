"""Keep a copy of the departments, so that a plan can name only those that exist."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.bus import Delivery
from chassis.db import Tx
from services.catalog.models import departments


def copy_departments(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Note each registered department once; its code is the business key."""
    registered = [delivery.event for delivery in deliveries]
    rows = {d.code: {"code": d.code, "name": d.name, "name_en": d.name_en, "uscc": d.uscc} for d in registered}
    tx.insert_new(departments, [rows[code] for code in sorted(rows)], [departments.c.code])
