"""Drafts hold what people wrote about themselves: those that nobody comes back to are not kept."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from chassis.among import among
from chassis.db import Tx
from services.workflow.models import drafts

BATCH = 100
KEPT = timedelta(days=90)

_GONE = sa.delete(drafts).where(among(drafts.c.draft_id, "draft_ids"))


def forget_drafts(tx: Tx) -> bool:
    """Delete drafts that were not touched for KEPT, at most BATCH; whether there may be more."""
    d = drafts.c
    untouched = (
        sa.select(d.draft_id)
        .where(d.updated_at < tx.now - KEPT)
        .order_by(d.updated_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    draft_ids = tx.execute(untouched).scalars().all()
    tx.execute(_GONE, {"draft_ids": draft_ids})
    return len(draft_ids) == BATCH
