"""A department has its task safely: stop ringing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa

from chassis.among import among
from chassis.db import Tx
from services.workflow.models import tasks

_RECEIVED = (
    sa.update(tasks)
    .where(among(tasks.c.task_id, "task_ids"), tasks.c.department == sa.bindparam("of_department"))
    .where(tasks.c.acknowledged_at.is_(None))
    .values(acknowledged_at=sa.bindparam("now"))
)


def acknowledge_tasks(tx: Tx, receipts: Iterable[tuple[str, str]]) -> int:
    """Mark ``(task id, department)`` pairs as received; foreign or unknown tasks are left alone. Returns how many changed."""
    by_department: dict[str, list[str]] = defaultdict(list)
    for task_id, department in sorted(receipts):
        by_department[department].append(task_id)
    return sum(
        tx.execute(_RECEIVED, {"task_ids": task_ids, "of_department": department, "now": tx.now}).rowcount
        for department, task_ids in sorted(by_department.items())
    )
