"""The clock in."""

from __future__ import annotations

from chassis.service import Job
from services.workflow.models import db
from services.workflow.use_cases.ring_again import ring_again


def _ring() -> None:
    with db.transaction() as tx:
        ring_again(tx)


JOBS = (Job("workflow.ring_again", 5.0, _ring),)
