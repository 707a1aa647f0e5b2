"""A department has its task safely: stop ringing."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from chassis.db import Tx
from services.workflow.models import tasks


def acknowledge_tasks(tx: Tx, receipts: Iterable[tuple[str, str]]) -> int:
    """Mark ``(task id, department)`` pairs as received; foreign or unknown tasks are left alone. Returns how many changed."""
    changed = 0
    for task_id, department in sorted(receipts):
        mine = sa.and_(tasks.c.task_id == task_id, tasks.c.department == department)
        statement = sa.update(tasks).where(mine, tasks.c.acknowledged_at.is_(None)).values(acknowledged_at=tx.now)
        changed += tx.execute(statement).rowcount
    return changed
