"""Messages that wait for a person: list, show, replay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from chassis.db import Database
from chassis.metrics import PARKED, RETRYING


def list_parked(database: Database) -> list[dict[str, Any]]:
    """Parked messages, oldest first, without their bodies."""
    r = database.retries
    columns = (r.c.event_id, r.c.subscription, r.c.type, r.c.subject, r.c.attempt, r.c.error, r.c.parked_at)
    statement = sa.select(*columns).where(r.c.parked_at.is_not(None)).order_by(r.c.parked_at)
    with database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(statement)]


def show_parked(database: Database, event_id: str) -> list[dict[str, Any]]:
    """Everything known of one parked message, body included; one entry per subscription that parked it."""
    r = database.retries
    statement = sa.select(r).where(r.c.event_id == event_id, r.c.parked_at.is_not(None))
    with database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(statement)]


def replay_parked(database: Database, event_id: str | None) -> int:
    """Make one parked message, or all of them (None), due now with a fresh count; returns how many."""
    r = database.retries
    statement = sa.update(r).where(r.c.parked_at.is_not(None))
    if event_id is not None:
        statement = statement.where(r.c.event_id == event_id)
    with database.transaction() as tx:
        return int(tx.execute(statement.values(parked_at=None, attempt=0, retry_at=datetime.now(UTC))).rowcount)


def measure(connection: sa.Connection, database: Database) -> None:
    """Show how many messages wait for a person, and how many for their next attempt."""
    r = database.retries
    count = sa.select(sa.func.count(), sa.func.count(r.c.parked_at)).select_from(r)
    failed, parked = connection.execute(count).one()
    PARKED.labels(database.name).set(parked)
    RETRYING.labels(database.name).set(failed - parked)
