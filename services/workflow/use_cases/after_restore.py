"""The database has come back from a backup: what was done after it is forgotten here, and not by departments and people."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Tx
from services.workflow.domain.deadline import law_date
from services.workflow.models import case_numbers, items, tasks

LEFT_OUT = 100_000
"""Serials of the day that nobody may get again: they may stand on receipts of applications that are lost."""


def after_restore(tx: Tx, *bundles: str) -> None:
    """Ask every department again for what is open, for it may have answered; give no number of today a second time.

    ``bundles`` are the codes under which several items are numbered together.
    """
    open_tasks = sa.update(tasks).where(tasks.c.state == "open")
    tx.execute(open_tasks.values(acknowledged_at=None, rings=0, ring_at=tx.now))
    today = law_date(tx.now)
    codes = [*tx.execute(sa.select(items.c.item_code).distinct()).scalars(), *bundles]
    rows = [{"item_code": code, "day": today, "reserved": 0} for code in codes]
    tx.insert_new(case_numbers, rows, [case_numbers.c.item_code])
    given_today = sa.update(case_numbers).where(case_numbers.c.day == today)
    tx.execute(given_today.values(reserved=case_numbers.c.reserved + LEFT_OUT))
