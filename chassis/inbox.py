"""The consuming side: inbox key, effect and outbox in one transaction; several messages per transaction when they wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from chassis.bus import BatchHandler, Delivery, Subscription, known
from chassis.db import Database, Tx
from chassis.failpoints import failpoint
from chassis.faults import database_away
from chassis.loops import Loop, backoff_s
from chassis.metrics import BATCH_SIZE, CONSUME_SECONDS, CONSUMED
from contracts.envelope import Envelope, decode_envelope
from contracts.registry import read

log = structlog.get_logger()

RETRY_BATCH = 50
RETRY_POLL_S = 2.0
# Columns of the inbox and of retries; a name that does not fit could be neither handled nor written down.
_LONGEST = {"id": 36, "type": 80, "subject": 80}


class NoHandler(Exception):
    """The subscription wants the family of this event, yet nothing handles its newest version: a defect, not a message."""


@dataclass(frozen=True)
class _Message:
    envelope: Envelope
    body: bytes


class Inbox:
    """Handles what arrives for one subscription of one service."""

    def __init__(self, database: Database, subscription: Subscription, *, retry_limit: int) -> None:
        self._database = database
        self.subscription = subscription
        self._retry_limit = retry_limit
        self.retries = Loop(f"retry-{subscription.name}", self.retry_due)

    def receive(self, bodies: Sequence[bytes]) -> list[bool]:
        """See Receiver.receive. A message that fails is written down for retry and never holds up its neighbours."""
        messages = [_parse(body) for body in bodies]
        readable = [m for m in messages if m is not None]
        refused = self._handle(readable) if readable else []
        answers = [m is not None and m not in refused for m in messages]
        if unreadable := answers.count(False):
            CONSUMED.labels(self.subscription.name, "unreadable").inc(unreadable)
        return answers

    def _handle(self, messages: Sequence[_Message]) -> list[_Message]:
        """Handle in one transaction; when that fails, halve until the culprit stands alone.

        Returns what could not even be written down. Raises when the database is away.
        """
        error = self._attempt(messages)
        if error is None:
            CONSUMED.labels(self.subscription.name, "handled").inc(len(messages))
            return []
        if len(messages) > 1:
            middle = len(messages) // 2
            return self._handle(messages[:middle]) + self._handle(messages[middle:])
        return [] if self._write_down(messages[0], error) else [messages[0]]

    def _attempt(self, messages: Sequence[_Message]) -> Exception | None:
        failpoint("consumer.before_transaction")
        BATCH_SIZE.labels(self.subscription.name).observe(len(messages))
        try:
            with CONSUME_SECONDS.labels(self.subscription.name).time(), self._database.transaction() as tx:
                self._apply(tx, messages)
        except Exception as error:
            if database_away(error):
                raise
            return error
        return None

    def _apply(self, tx: Tx, messages: Sequence[_Message]) -> None:
        fresh = self._claim(tx, messages)
        failpoint("consumer.inside")
        groups: dict[BatchHandler, list[Delivery]] = defaultdict(list)
        for message in messages:
            envelope = message.envelope
            if envelope.id not in fresh:
                continue
            fresh.discard(envelope.id)
            if self.subscription.everything:
                groups[self.subscription.everything].append(Delivery(envelope, None))
            elif self.subscription.wants(envelope.type):  # a queue may keep bindings that an older release made
                event = read(envelope)
                handler = self.subscription.handler_of(event)
                if handler is None:
                    raise NoHandler(type(event).__name__)
                groups[handler].append(Delivery(envelope, event))
        for handler, deliveries in groups.items():
            handler(tx, deliveries)

    def _claim(self, tx: Tx, messages: Sequence[_Message]) -> set[str]:
        """Ids of those that were not handled before; from now on they are."""
        inbox, name = self._database.inbox, self.subscription.name
        ids = sorted({message.envelope.id for message in messages})
        rows = [{"event_id": i, "subscription": name, "handled_at": tx.now} for i in ids]
        return {row.event_id for row in tx.insert_new(inbox, rows, [inbox.c.event_id])}

    def _write_down(self, message: _Message, error: Exception) -> bool:
        """First failure: keep the message with its error; park at once what no retry can mend. False: cannot be kept."""
        envelope = message.envelope
        parked = _hopeless(error, envelope) or self._retry_limit <= 1
        outcome = "parked" if parked else "failed"
        log.error(
            "message_failed", subscription=self.subscription.name, event_id=envelope.id, type=envelope.type,
            outcome=outcome, error=_describe(error), exc_info=error,
        )  # fmt: skip
        now = datetime.now(UTC)
        row = {
            "event_id": envelope.id,
            "subscription": self.subscription.name,
            "type": envelope.type,
            "subject": envelope.subject,
            "body": message.body,
            "attempt": 1,
            "error": _describe(error),
            "first_failed_at": now,
            "retry_at": now + timedelta(seconds=backoff_s(1)),
            "parked_at": now if parked else None,
        }
        try:
            with self._database.transaction() as tx:
                tx.insert_new(self._database.retries, [row], [self._database.retries.c.event_id])
        except sa.exc.SQLAlchemyError as failure:
            if database_away(failure):
                raise
            log.exception("message_cannot_be_kept", subscription=self.subscription.name, event_id=envelope.id)
            return False
        CONSUMED.labels(self.subscription.name, outcome).inc()
        self.retries.nudge()
        return True

    def retry_due(self) -> float:
        """Handle again what is due; returns the seconds to wait."""
        retries = self._database.retries
        waiting = (
            sa.select(retries)
            .where(retries.c.subscription == self.subscription.name, retries.c.parked_at.is_(None))
            .order_by(retries.c.retry_at)
            .limit(RETRY_BATCH)
        )
        with self._database.read() as connection:
            rows = connection.execute(waiting).fetchall()
        for row in rows:
            early_s = (row.retry_at - datetime.now(UTC)).total_seconds()
            if early_s > 0:
                return float(min(early_s, RETRY_POLL_S))
            self._retry(row)
        return 0.0 if rows else RETRY_POLL_S

    def _retry(self, row: Any) -> None:
        """One attempt. Several processes may pick the same row up: the one that deletes it handles it."""
        retries = self._database.retries
        mine = sa.and_(
            retries.c.event_id == row.event_id,
            retries.c.subscription == row.subscription,
            retries.c.attempt == row.attempt,
            retries.c.parked_at.is_(None),
        )
        try:
            with self._database.transaction() as tx:
                if tx.execute(sa.delete(retries).where(mine)).rowcount:
                    self._apply(tx, [_Message(decode_envelope(row.body), row.body)])
        except Exception as error:
            if database_away(error):
                raise
            self._put_off(row, mine, error)
            return
        CONSUMED.labels(self.subscription.name, "retried").inc()

    def _put_off(self, row: Any, mine: sa.ColumnElement[bool], error: Exception) -> None:
        attempt, now = row.attempt + 1, datetime.now(UTC)
        parked = attempt >= self._retry_limit
        values = {
            "attempt": attempt,
            "error": _describe(error),
            "retry_at": now + timedelta(seconds=backoff_s(attempt)),
            "parked_at": now if parked else None,
        }
        with self._database.transaction() as tx:
            tx.execute(sa.update(self._database.retries).where(mine).values(**values))
        log.warning("retry_failed", event_id=row.event_id, attempt=attempt, parked=parked, error=_describe(error))
        CONSUMED.labels(self.subscription.name, "parked" if parked else "failed").inc()


def _parse(body: bytes) -> _Message | None:
    """None for what is no CloudEvent, or has names that no table could hold."""
    try:
        envelope = decode_envelope(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    names = ((name, getattr(envelope, name) or "") for name in _LONGEST)
    fits = all(len(value) <= _LONGEST[name] and "\0" not in value for name, value in names)
    return _Message(envelope, body) if fits and envelope.id else None


def _hopeless(error: Exception, envelope: Envelope) -> bool:
    return isinstance(error, msgspec.DecodeError | RecursionError) or not known(envelope.type)


def _describe(error: Exception) -> str:
    """The error in text that every database can hold."""
    text = f"{type(error).__name__}: {error}".encode(errors="backslashreplace").decode()
    return text.replace("\0", "\\0")[:2000]
