"""重新推算: a year's holidays are published, so that what was provisional is no longer."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Tx
from services.workflow.adapters import case_store
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain.reckoning import reckon_anew
from services.workflow.models import cases

BATCH = 100


def reckon_published(tx: Tx, after: str) -> str | None:
    """Look at up to BATCH running cases with provisional dates behind number ``after``; the last of them, or None when there are
    no more. Done again, by whichever process, it finds nothing to change.
    """
    provisional = (
        sa.select(cases.c.case_no)
        .where(cases.c.provisional, cases.c.closed_at.is_(None), cases.c.case_no > after)
        .order_by(cases.c.case_no)
        .limit(BATCH)
    )
    numbers = tx.execute(provisional).scalars().all()
    reckoned = [file for file in case_store.load(tx, numbers).values() if reckon_anew(file, holiday_calendar)]
    for file in reckoned:
        case_store.tell(tx, file)
    case_store.save(tx, reckoned)
    return numbers[-1] if len(numbers) == BATCH else None
