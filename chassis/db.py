"""One database per service. Only ``Database.transaction`` commits, and what it told is committed with it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import uuid_utils
from sqlalchemy.engine import Connection, Engine

from chassis import bulk, clock, trace
from chassis.engines import SQLITE_TIMEOUT_S, make_engine
from chassis.failpoints import failpoint
from contracts.envelope import Envelope, Event, encode, seal


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Aware UTC datetimes on every database; SQLite would drop the zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        """Refuse naive datetimes; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        """Return UTC, aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Tx:
    """One open transaction. ``tell`` collects events that commit with it; ``on_commit`` runs after it did."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self.connection = connection
        self.now = clock.now()
        self._database = database
        self._told: list[Envelope] = []
        self.patience_s = math.inf
        self.on_commit: list[Callable[[], None]] = []

    def execute(self, statement: Any, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run one statement, or many with a list of parameters."""
        return self.connection.execute(statement, parameters)

    def insert_new(
        self, table: sa.Table, rows: Sequence[dict[str, Any]], returning: Sequence[sa.Column[Any]]
    ) -> Sequence[Any]:
        """Insert what violates no unique key; returns ``returning`` of the rows that were new."""
        return bulk.insert_new_rows(self.connection, table, rows, returning)

    def insert(self, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows that all name the same columns."""
        bulk.insert_rows(self.connection, table, rows)

    def update(
        self, table: sa.Table, keys: Sequence[str], rows: Sequence[dict[str, Any]], *, version: str | None = None
    ) -> int:
        """Update each row that its ``keys`` name with its other values; returns how many were found. The column ``version``
        must have the row's value and is raised by one.
        """
        return bulk.update_rows(self.connection, table, keys, rows, version)

    def tell(self, event: Event, *, caseseq: int | None = None, because: Envelope | None = None) -> str:
        """Announce ``event`` if this transaction commits; returns the event id."""
        event_id = str(uuid_utils.uuid7())
        self.patience_s = min(self.patience_s, event.PATIENCE_S)
        self._told.append(
            seal(
                event,
                event_id=event_id,
                source=self._database.name,
                time=self.now,
                caseseq=caseseq,
                causationid=because.id if because else trace.causation.get(),
                traceparent=because.traceparent if because else trace.lead_on(),
            )
        )
        return event_id

    def write_outbox(self) -> bool:
        """Insert what was told; True if there was anything."""
        if not self._told:
            return False
        rows = [
            {"event_id": e.id, "type": e.type, "subject": e.subject, "body": encode(e), "created_at": e.time}
            for e in self._told
        ]
        self.insert(self._database.outbox, rows)
        return True


class Database:
    """A service's own database with the mechanism's tables in its metadata. Bound to a URL at start."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.metadata = sa.MetaData()
        self.outbox = _outbox(self.metadata)
        self.inbox = _inbox(self.metadata)
        self.retries = _retries(self.metadata)
        self.idempotency = _idempotency(self.metadata)
        self.after_commit: Callable[[float], None] = lambda _within_s: None
        self._engine: Engine | None = None
        self._turn = threading.Lock()

    def bind(self, url: str, *, pool_size: int = 20) -> None:
        """Use ``url`` from now on; an earlier engine is closed."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = make_engine(url, pool_size)

    @property
    def engine(self) -> Engine:
        """The bound engine. Raises RuntimeError before ``bind``."""
        if self._engine is None:
            raise RuntimeError(f"database {self.name} is not bound")
        return self._engine

    @property
    def is_postgresql(self) -> bool:
        """True on PostgreSQL, False on SQLite."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Commit everything inside, outbox rows included, or nothing. Not to be nested."""
        failpoint("transaction.begin")
        with self.writing() as connection:
            tx = Tx(connection, self)
            yield tx
            failpoint("transaction.after_domain_write")
            told = tx.write_outbox()
            failpoint("transaction.after_outbox_insert")
        failpoint("transaction.after_commit")
        if told:
            self.after_commit(tx.patience_s)
        for act in tx.on_commit:
            act()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A bare transaction, for the mechanism itself: commits at the end, tells nothing."""
        if self.is_postgresql:
            with self.engine.begin() as connection:
                yield connection
            return
        # SQLite has one writer at a time and lets the others poll for their turn, which costs them up to 100 ms a poll.
        if not self._turn.acquire(timeout=SQLITE_TIMEOUT_S):
            raise sa.exc.TimeoutError(f"database {self.name} is busy")
        try:
            with self.engine.begin() as connection:
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries; nothing is committed."""
        with self.engine.connect() as connection:
            yield connection.execution_options(tongban_read=True)
            connection.rollback()


def _outbox(metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        "outbox",
        metadata,
        sa.Column("position", BIG, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(36), nullable=False, unique=True),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(80)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("sent_at", UtcDateTime),
    )
    unsent = table.c.sent_at.is_(None)
    sa.Index("outbox_unsent", table.c.position, postgresql_where=unsent, sqlite_where=unsent)
    return _oldest_first(table, table.c.created_at)


def _inbox(metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        "inbox",
        metadata,
        sa.Column("event_id", sa.String(36), primary_key=True),
        sa.Column("subscription", sa.String(80), primary_key=True),
        sa.Column("handled_at", UtcDateTime, nullable=False),
    )
    return _oldest_first(table, table.c.handled_at)


def _retries(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "retries",
        metadata,
        sa.Column("event_id", sa.String(36), primary_key=True),
        sa.Column("subscription", sa.String(80), primary_key=True),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(80)),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("first_failed_at", UtcDateTime, nullable=False),
        sa.Column("retry_at", UtcDateTime, nullable=False, index=True),
        sa.Column("parked_at", UtcDateTime),
    )


def _idempotency(metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        "idempotency",
        metadata,
        sa.Column("actor", sa.String(120), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("answer", sa.JSON),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    return _oldest_first(table, table.c.created_at)


def _oldest_first(table: sa.Table, time: sa.Column[Any]) -> sa.Table:
    """Rows are added in the order of time and pruned by it: on PostgreSQL a block range index finds the old ones for a few
    kilobytes.
    """
    sa.Index(f"{table.name}_by_time", time, postgresql_using="brin", postgresql_with={"autosummarize": "on"})
    return table
