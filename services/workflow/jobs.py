"""The clock in."""

from __future__ import annotations

from chassis.service import Job
from services.workflow.models import db
from services.workflow.use_cases.forget_drafts import forget_drafts
from services.workflow.use_cases.ring_again import ring_again

DAY_S = 86_400.0


def _ring() -> None:
    with db.transaction() as tx:
        ring_again(tx)


def _forget() -> None:
    more = True
    while more:
        with db.transaction() as tx:
            more = forget_drafts(tx)


JOBS = (Job("workflow.ring_again", 5.0, _ring), Job("workflow.forget_drafts", DAY_S, _forget))
