"""The clock in."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.service import Job
from services.identity.models import db
from services.identity.use_cases.sign_in import forget_failures


def _forget() -> None:
    with db.transaction() as tx:
        forget_failures(tx, datetime.now(UTC))


JOBS = (Job("identity.forget_failures", 3600.0, _forget),)
