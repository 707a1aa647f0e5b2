"""What happens of itself on its day: a scheduled version comes into force, an item whose end is planned is cancelled."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from chassis.db import Tx
from services.catalog.adapters.draft_store import move_draft
from services.catalog.domain.drafting import DraftState
from services.catalog.models import drafts
from services.catalog.queries.versions import due_cancellations
from services.catalog.use_cases.retire_item import retire_item

CALENDAR = "catalog.calendar"


def put_in_force(tx: Tx, today: date, most: int) -> int:
    """Note that the scheduled versions whose day has come are in force; how many. Everybody heard of them beforehand."""
    due = (
        sa.select(drafts)
        .where(drafts.c.state == DraftState.SCHEDULED.value, drafts.c.effective_from <= today)
        .order_by(drafts.c.draft_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = tx.execute(due).all()
    for draft in rows:
        move_draft(tx, draft, DraftState.PUBLISHED, by=CALENDAR, why="", action="in_force")
    return len(rows)


def cancel_due(tx: Tx, today: date, most: int) -> int:
    """Retire the items whose version in force says that it ends (计划取消日期); how many."""
    due = due_cancellations(tx.connection, today, most)
    for item_code, cancel_on in due:
        retire_item(
            tx, item_code, retired_on=cancel_on, reason="计划取消日期已到 / planned date of cancellation", by=CALENDAR
        )
    return len(due)
