"""期限届满: do what the law does when nobody acted in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog

from chassis.db import Tx
from chassis.failpoints import failpoint
from services.workflow.adapters import case_store
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.adapters.metrics import DEADLINES_FIRED, DEADLINES_FIRED_LATE
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.deadline import CalendarMissing, law_date
from services.workflow.domain.lapse import Lapsed, lapse
from services.workflow.models import cases

log = structlog.get_logger()

BATCH = 100
LATE_S = 60.0


def fire_deadlines(tx: Tx) -> bool:
    """Fire what is due in at most BATCH cases; True if there may be more.

    A scheduler claims rows that no other has in hand, and what fires is a move of the case under its lock: so each deadline
    takes effect once, with several schedulers, after a restart, and however far the clock has jumped.
    """
    due = (
        sa.select(cases.c.case_no)
        .where(cases.c.wake_on < law_date(tx.now))
        .order_by(cases.c.wake_on, cases.c.case_no)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    claimed = tx.execute(due).scalars().all()
    failpoint("job.after_claim")
    fired: list[CaseFile] = []
    done: list[Lapsed] = []
    for file in case_store.load(tx, claimed).values():
        if (lapsed := _lapsed(file, tx.now)) is not None:
            fired.append(file)
            done += lapsed
    for file in fired:
        case_store.tell(tx, file)
    case_store.save(tx, fired)
    tx.on_commit.append(lambda: _count(done))
    return len(claimed) == BATCH


def _count(done: Sequence[Lapsed]) -> None:
    for one in done:
        DEADLINES_FIRED.labels(one.kind).inc()
        if one.late_s > LATE_S:
            DEADLINES_FIRED_LATE.labels(one.kind).inc()


def _lapsed(file: CaseFile, now: datetime) -> list[Lapsed] | None:
    """What was due and is done. None where no date can be said: the case waits for the calendar, others do not."""
    try:
        done = lapse(file, now=now, calendar=holiday_calendar)
    except CalendarMissing as missing:
        log.warning("deadline_waits_for_calendar", case_no=file.case_no, year=missing.facts["year"])
        return None
    file.changed = True  # its next deadline is noted anew in any case, or it would be claimed for ever
    return done
