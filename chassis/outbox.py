"""The relay: takes committed, unsent events to the bus. Nudged after each commit, polls as a fallback."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
import structlog

from chassis import clock, trace
from chassis.among import among
from chassis.bus import Bus, BusUnavailable, Outgoing
from chassis.db import Database
from chassis.failpoints import failpoint
from chassis.loops import Loop
from chassis.metrics import OUTBOX_OLDEST_SECONDS, OUTBOX_PUBLISHED, OUTBOX_WAITING, RELAY_FAILURES
from contracts.envelope import decode_envelope

log = structlog.get_logger()

BATCH = 256
POLL_S = 1.0
UNROUTABLE_WAIT_S = 2.0


class Relay:
    """Publishes a service's outbox. Several may run at once on PostgreSQL: rows are claimed with SKIP LOCKED.

    On SQLite one relay per database runs, and the claim takes no lock: holding the writer's lock while other
    services commit would deadlock the embedded mode.
    """

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database, self._bus = database, bus
        self.loop = Loop(f"relay-{database.name}", self.step)
        self.trouble: str | None = None
        self._stuck_at = 0
        self._sweep_at = 0.0

    def step(self) -> float:
        """Send until nothing is left; returns the seconds to wait. Raises BusUnavailable.

        Events that no queue takes stay in their places and hold nobody up: they are tried at intervals, and in between
        only what lies behind the last of them is looked at.
        """
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + UNROUTABLE_WAIT_S
            self._stuck_at = 0
        position = self._stuck_at
        try:
            while (
                len(rows := self._round(position)) == BATCH
            ):  # what is committed from now on brings a nudge of its own
                position = rows[-1].position
        except BusUnavailable as error:
            RELAY_FAILURES.labels(self._database.name).inc()
            self.trouble = str(error)
            raise
        if self._stuck_at == 0:
            self.trouble = None
        return POLL_S

    def _round(self, after: int) -> Sequence[Any]:
        """Send a batch of the unsent that lie behind position ``after``; returns it."""
        unsent, after_this = _unsent(self._database.outbox), {"after": after}
        if self._database.is_postgresql:
            with self._database.writing() as connection:
                rows = connection.execute(unsent, after_this).fetchall()
                self._mark(connection, self._publish(rows))
            return rows
        with self._database.read() as connection:
            rows = connection.execute(unsent, after_this).fetchall()
        if sent := self._publish(rows):
            with self._database.writing() as connection:
                self._mark(connection, sent)
        return rows

    def _publish(self, rows: Sequence[Any]) -> list[int]:
        """Positions that the bus confirmed."""
        if not rows:
            return []
        failpoint("relay.before_publish")
        spans = self._spans(rows) if trace.keeping() else ()
        confirmed = self._bus.publish([Outgoing(r.event_id, r.type, r.body) for r in rows])
        for row, span in zip(rows, spans, strict=False):  # none where no spans are kept
            span.end(None if row.event_id in confirmed else "unroutable")
        OUTBOX_PUBLISHED.labels(self._database.name).inc(len(confirmed))
        if lost := [row for row in rows if row.event_id not in confirmed]:
            self._stuck_at = lost[-1].position
            self.trouble = f"no queue takes {lost[-1].type}"
            log.error("events_unroutable", service=self._database.name, types=sorted({row.type for row in lost}))
        failpoint("relay.before_mark")
        return [row.position for row in rows if row.event_id in confirmed]

    def _spans(self, rows: Sequence[Any]) -> list[trace.Span]:
        """One per event, in the trace that it was told in. Those of a round that the bus did not confirm are never ended."""
        return [span for row in rows if (span := self._span(row, len(rows))) is not None]

    def _span(self, row: Any, batch: int) -> trace.Span | None:
        facts: dict[str, trace.Fact] = {
            "messaging.operation.type": "send",
            "messaging.destination.name": row.type,
            "messaging.message.id": row.event_id,
            "messaging.batch.message_count": batch,
        }
        told_in = decode_envelope(row.body).traceparent
        return trace.start_span(self._database.name, "producer", f"send {row.type}", told_in, facts)

    def _mark(self, connection: sa.Connection, positions: list[int]) -> None:
        if positions:
            sent = {"positions": positions, "now": datetime.now(UTC)}
            connection.execute(_mark_sent(self._database.outbox), sent)


@cache
def _unsent(outbox: sa.Table) -> Any:
    """A batch of unsent events behind a position; each is one relay's (SQLite ignores the lock)."""
    columns = outbox.c.position, outbox.c.event_id, outbox.c.type, outbox.c.body
    behind = outbox.c.position > sa.bindparam("after")
    batch = sa.select(*columns).where(outbox.c.sent_at.is_(None), behind).order_by(outbox.c.position).limit(BATCH)
    return batch.with_for_update(skip_locked=True)


@cache
def _mark_sent(outbox: sa.Table) -> Any:
    mine = among(outbox.c.position, "positions")
    return sa.update(outbox).where(mine).values(sent_at=sa.bindparam("now"))


def waiting(database: Database) -> int:
    """Events committed and not yet confirmed."""
    with database.read() as connection:
        count = sa.select(sa.func.count()).where(database.outbox.c.sent_at.is_(None))
        return int(connection.execute(count).scalar_one())


def measure(connection: sa.Connection, database: Database) -> None:
    """Show how many events wait, and how long the oldest has. Reads the index of the unsent alone."""
    outbox = database.outbox
    unsent = outbox.c.sent_at.is_(None)
    count = sa.select(sa.func.count()).select_from(outbox).where(unsent).scalar_subquery()
    oldest = sa.select(outbox.c.created_at).where(unsent).order_by(outbox.c.position).limit(1).scalar_subquery()
    row = connection.execute(sa.select(count.label("waiting"), oldest.label("since"))).one()
    age_s = 0.0 if row.since is None else max(0.0, (clock.now() - row.since).total_seconds())
    OUTBOX_WAITING.labels(database.name).set(row.waiting)
    OUTBOX_OLDEST_SECONDS.labels(database.name).set(age_s)


def prune(database: Database, *, older_than: timedelta) -> int:
    """Delete sent events and handled keys past the horizon in which a message can still be delivered again."""
    before = datetime.now(UTC) - older_than
    with database.transaction() as tx:
        # The inbox goes first, as in every transaction that touches both: a backup locks them in that order.
        tx.execute(sa.delete(database.inbox).where(database.inbox.c.handled_at < before))
        old = sa.and_(database.outbox.c.created_at < before, database.outbox.c.sent_at < before)
        sent = tx.execute(sa.delete(database.outbox).where(old)).rowcount
        tx.execute(sa.delete(database.idempotency).where(database.idempotency.c.created_at < before))
    return int(sent)
