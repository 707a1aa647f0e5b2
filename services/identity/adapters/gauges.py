"""What the metrics say of the database."""

from __future__ import annotations

import time

import sqlalchemy as sa

from chassis.metrics import show
from services.identity.adapters.metrics import ACCOUNTS
from services.identity.models import accounts

COUNTED_EVERY_S = 600.0  # every account is counted, from an index

_COUNT = (
    sa.select(accounts.c.kind, sa.func.count().label("accounts"))
    .where(accounts.c.state != "closed")
    .group_by(accounts.c.kind)
)

_shown: set[tuple[str, ...]] = set()
_counted_at: dict[str, float] = {}


def show_gauges(connection: sa.Connection) -> None:
    """Set every gauge of identity that comes from its tables; the first time, and then at its interval."""
    database, now = str(connection.engine.url), time.monotonic()
    if now - _counted_at.get(database, -COUNTED_EVERY_S) >= COUNTED_EVERY_S:
        _counted_at[database] = now
        show(ACCOUNTS, {(row.kind,): row.accounts for row in connection.execute(_COUNT)}, _shown)
