"""The clock in: sign the ledger's head, judge departments' clocks. Both may run in several processes at once."""

from __future__ import annotations

from chassis.service import Job
from services.audit.models import db
from services.audit.use_cases.judge_clocks import judge_due
from services.audit.use_cases.sign_checkpoint import sign_checkpoint


def sign() -> None:
    """Sign a checkpoint if the log has grown."""
    with db.transaction() as tx:
        sign_checkpoint(tx)


def judge() -> None:
    """Judge every clock whose day has come."""
    more = True
    while more:
        with db.transaction() as tx:
            more = judge_due(tx)


JOBS = (Job("audit.checkpoint", 1.0, sign), Job("audit.judge_clocks", 1.0, judge))
