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

from chassis import clock, trace
from chassis.bus import BatchHandler, Delivery, Subscription, known
from chassis.db import Database, Tx
from chassis.failpoints import failpoint
from chassis.faults import database_away
from chassis.loops import Loop, backoff_s
from chassis.metrics import BATCH_SIZE, CONSUME_SECONDS, CONSUMED, DELIVERY_SECONDS, LAG_SECONDS
from contracts.envelope import Envelope, decode_envelope
from contracts.registry import EVENTS, read

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


class _Taken:
    """The messages that a transaction handles for the first time, and a span for each where spans are kept.

    A batch is one transaction, so that its spans begin and end together. Each has its message's trace as parent, and what
    the message leads to has the span: a link from one span of the batch would break every case's trace in two.
    """

    def __init__(self, database: Database, subscription: Subscription) -> None:
        self._database, self._subscription = database, subscription
        self.times: list[datetime] = []
        self.spans: list[trace.Span] = []

    def start_span(self, envelope: Envelope, batch: int) -> Envelope:
        """Where spans are kept: the envelope as the handler sees it, in the trace of its span."""
        spec = EVENTS.get(envelope.type)
        facts: dict[str, trace.Fact] = {
            "messaging.operation.type": "process",
            "messaging.destination.name": self._subscription.name,
            "messaging.message.id": envelope.id,
            "messaging.batch.message_count": batch,
        }
        if spec is not None and spec.event.SUBJECT in trace.IDS and envelope.subject:
            facts[f"tongban.{spec.event.SUBJECT}"] = envelope.subject
        name = f"process {envelope.type if spec else 'unknown'}"
        span = trace.start_span(self._database.name, "consumer", name, envelope.traceparent, facts)
        if span is None:  # they are kept no longer
            return envelope
        self.spans.append(span)
        return msgspec.structs.replace(envelope, traceparent=span.traceparent)

    def end(self, error: Exception | None = None) -> None:
        """Committed, or not."""
        for span in self.spans:
            span.end(None if error is None else type(error).__name__)


class Inbox:
    """Handles what arrives for one subscription of one service."""

    def __init__(self, database: Database, subscription: Subscription, *, retry_limit: int) -> None:
        self._database = database
        self.subscription = subscription
        self._retry_limit = retry_limit
        name = subscription.name
        self._handled, self._seconds = CONSUMED.labels(name, "handled"), CONSUME_SECONDS.labels(name)
        self._size, self._delivery = BATCH_SIZE.labels(name), DELIVERY_SECONDS.labels(name)
        self._lag, self._behind = LAG_SECONDS.labels(name), False
        self.retries = Loop(f"retry-{subscription.name}", self.retry_due)

    def receive(self, bodies: Sequence[bytes]) -> list[bool]:
        """See Receiver.receive. A message that fails is written down for retry and never holds up its neighbours."""
        messages = [_parse(body) for body in bodies]
        readable = [m for m in messages if m is not None]
        if readable:
            self._lag.set(_age_s(readable[0].envelope.time, clock.now()))
            self._behind = True
        refused = self._handle(readable) if readable else []
        answers = [m is not None and m not in refused for m in messages]
        if unreadable := answers.count(False):
            CONSUMED.labels(self.subscription.name, "unreadable").inc(unreadable)
        return answers

    def drained(self) -> None:
        """See Receiver.drained."""
        if self._behind:
            self._behind = False
            self._lag.set(0)

    def _handle(self, messages: Sequence[_Message]) -> list[_Message]:
        """Handle in one transaction; when that fails, halve until the culprit stands alone.

        Returns what could not even be written down. Raises when the database is away.
        """
        error = self._attempt(messages)
        if error is None:
            self._handled.inc(len(messages))
            return []
        if len(messages) > 1:
            middle = len(messages) // 2
            return self._handle(messages[:middle]) + self._handle(messages[middle:])
        return [] if self._write_down(messages[0], error) else [messages[0]]

    def _attempt(self, messages: Sequence[_Message]) -> Exception | None:
        failpoint("consumer.before_transaction")
        self._size.observe(len(messages))
        taken = _Taken(self._database, self.subscription)
        try:
            with self._seconds.time(), self._database.transaction() as tx:
                self._apply(tx, messages, taken)
        except Exception as error:
            if len(messages) == 1:  # of several, nobody knows yet which one it was
                taken.end(error)
            if database_away(error):
                raise
            return error
        self._done(taken)
        return None

    def _done(self, taken: _Taken) -> None:
        taken.end()
        now = clock.now()
        for time in taken.times:
            self._delivery.observe(_age_s(time, now))

    def _apply(self, tx: Tx, messages: Sequence[_Message], taken: _Taken) -> None:
        fresh, keeping = self._claim(tx, messages), trace.keeping()
        failpoint("consumer.inside")
        groups: dict[BatchHandler, list[Delivery]] = defaultdict(list)
        for message in messages:
            envelope = message.envelope
            if envelope.id not in fresh:
                continue
            fresh.discard(envelope.id)
            if not self.subscription.wants(envelope.type):  # a queue may keep bindings that an older release made
                continue
            taken.times.append(envelope.time)
            if keeping:
                envelope = taken.start_span(envelope, len(messages))
            if self.subscription.everything:
                groups[self.subscription.everything].append(Delivery(envelope, None))
            else:
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
        taken = _Taken(self._database, self.subscription)
        try:
            with self._database.transaction() as tx:
                if tx.execute(sa.delete(retries).where(mine)).rowcount:
                    self._apply(tx, [_Message(decode_envelope(row.body), row.body)], taken)
        except Exception as error:
            taken.end(error)
            if database_away(error):
                raise
            self._put_off(row, mine, error)
            return
        self._done(taken)
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


def _age_s(told_at: datetime, now: datetime) -> float:
    """Seconds; 0 where the teller's clock is ahead of ours. A department's time may have no zone."""
    if told_at.tzinfo is None:
        told_at = told_at.replace(tzinfo=UTC)
    return max(0.0, (now - told_at).total_seconds())


def _hopeless(error: Exception, envelope: Envelope) -> bool:
    return isinstance(error, msgspec.DecodeError | RecursionError) or not known(envelope.type)


def _describe(error: Exception) -> str:
    """The error in text that every database can hold."""
    text = f"{type(error).__name__}: {error}".encode(errors="backslashreplace").decode()
    return text.replace("\0", "\\0")[:2000]
