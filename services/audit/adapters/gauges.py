"""What the metrics say of the database."""

from __future__ import annotations

import sqlalchemy as sa

from chassis import clock
from services.audit.adapters.metrics import CARDS_OPEN, CHECKPOINT_AGE, COMPLAINTS_OPEN, LEDGER_UNSIGNED
from services.audit.domain.supervision import LATE_ANSWER, china_date
from services.audit.models import cards, checkpoints, clocks, log_head, ratings

_SIZE = sa.select(log_head.c.size)
_SIGNED = sa.select(checkpoints.c.size, checkpoints.c.signed_at).order_by(checkpoints.c.size.desc()).limit(1)
# From the open clocks whose last day has come to their cards, which are few.
_OPEN_CARDS = (
    sa.select(cards.c.level, sa.func.count().label("cards"))
    .join_from(clocks, cards, cards.c.task_id == clocks.c.task_id)
    .where(clocks.c.ended_on.is_(None), clocks.c.due_on <= sa.bindparam("today"))
    .where(cards.c.rule == LATE_ANSWER, cards.c.revoked_at.is_(None))
    .group_by(cards.c.level)
)
_TO_FOLLOW_UP = sa.select(sa.func.count()).select_from(ratings).where(ratings.c.follow_up_by >= sa.bindparam("today"))


def show_gauges(connection: sa.Connection) -> None:
    """Set every gauge of audit that comes from its tables."""
    today, now = china_date(clock.now()), clock.now()
    size, signed = connection.execute(_SIZE).scalar_one(), connection.execute(_SIGNED).one_or_none()
    LEDGER_UNSIGNED.set(size - (signed.size if signed else 0))
    if signed is not None:
        CHECKPOINT_AGE.set(max(0.0, (now - signed.signed_at).total_seconds()))
    levels = {row.level: row.cards for row in connection.execute(_OPEN_CARDS, {"today": today})}
    for level in ("yellow", "red"):
        CARDS_OPEN.labels(level).set(levels.get(level, 0))
    COMPLAINTS_OPEN.set(connection.execute(_TO_FOLLOW_UP, {"today": today}).scalar_one())
