"""The doorbell: tell a task again to a department that has not acknowledged it. A purged queue loses nothing."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from chassis import trace
from chassis.db import Tx
from chassis.failpoints import failpoint
from services.workflow.adapters import case_store
from services.workflow.domain.states import TaskState
from services.workflow.models import tasks

BATCH = 100
LONGEST = timedelta(days=1)


def ring_again(tx: Tx) -> int:
    """Ring for tasks that are due for it, each time after twice the wait, at most a day. Returns how many."""
    t = tasks.c
    due = (
        sa.select(t.task_id, t.case_no, t.rings, t.traceparent)
        .where(t.state == "open", t.acknowledged_at.is_(None), t.ring_at <= tx.now)
        .order_by(t.ring_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = tx.execute(due).fetchall()
    failpoint("job.after_claim")
    files = case_store.load(tx, {row.case_no for row in rows}, lock=False)
    for row in rows:
        file = files[row.case_no]
        task = file.tasks[row.task_id]
        if task.state is TaskState.OPEN:
            with trace.work(parent=row.traceparent, case_no=row.case_no):
                tx.tell(file.assignment(task))
        wait = min(LONGEST, timedelta(minutes=2**row.rings))
        ring = sa.update(tasks).where(t.task_id == row.task_id).values(rings=row.rings + 1, ring_at=tx.now + wait)
        tx.execute(ring)
    return len(rows)
