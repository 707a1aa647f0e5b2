"""One instant of every database, while the platform runs.

What one service remembers and another does not must be something that is told again: a fact in an outbox that has not
reached every inbox. So at the instant nothing is told or heard anywhere: on PostgreSQL the outboxes and inboxes are locked
for as long as it takes to open a snapshot of each database, on SQLite every writer is held. Whatever is told waits with its
whole transaction, so what people carry from one service to another themselves, such as a receipt, is in order as well.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from chassis.among import among
from chassis.backups import postgresql_tools
from chassis.backups.manifest import BackupError, Kind
from chassis.db import Database
from chassis.engines import SQLITE_TIMEOUT_S
from chassis.service import Service

LOCK_TIMEOUT = "10s"
WAIT_FOR_RECORD_S = 10.0
POLL_S = 0.05
RECENT = timedelta(minutes=10)  # what was heard earlier has long been recorded, or never will be
CHUNK = 10_000

Copy = Callable[[Path], None]


@dataclass(frozen=True)
class Cut:
    """Copies that show the instant, by service; the numbers as in the manifest."""

    kind: Kind
    instant: datetime
    quiet_ms: int
    held_ms: int
    unrecorded: int
    copies: Mapping[str, Copy]


@contextmanager
def one_instant(services: Sequence[Service]) -> Iterator[Cut]:
    """The copies may be made until the block ends; the platform goes on meanwhile. Raises BackupError."""
    kinds = {service.database.is_postgresql for service in services}
    if len(kinds) > 1:
        raise BackupError("SQLite 与 PostgreSQL 不能混用 / databases on SQLite and on PostgreSQL together")
    try:
        with _on_postgresql(services) if kinds == {True} else _on_sqlite(services) as cut:
            yield cut
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        raise BackupError(f"{type(error).__name__}: {error}") from error


@contextmanager
def _on_sqlite(services: Sequence[Service]) -> Iterator[Cut]:
    files = {service.name: str(service.database.engine.url.database) for service in services}
    with ExitStack() as open_readers:
        began = time.monotonic()
        with ExitStack() as held:
            for file in files.values():
                writer = held.enter_context(closing(sqlite3.connect(file, SQLITE_TIMEOUT_S, isolation_level=None)))
                writer.execute("BEGIN IMMEDIATE")
            instant = datetime.now(UTC)
            readers = {}
            for name, file in files.items():
                reader = open_readers.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
                reader.execute("BEGIN")
                reader.execute("SELECT 1 FROM sqlite_master").fetchone()
                readers[name] = reader
        held_ms = round((time.monotonic() - began) * 1000)
        copies = {name: partial(_copy_file, reader) for name, reader in readers.items()}
        yield Cut("sqlite", instant, held_ms, held_ms, 0, copies)


def _copy_file(reader: sqlite3.Connection, file: Path) -> None:
    with closing(sqlite3.connect(file)) as target:
        reader.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, whole


@contextmanager
def _on_postgresql(services: Sequence[Service]) -> Iterator[Cut]:
    with ExitStack() as open_snapshots:
        readers = {
            service.name: open_snapshots.enter_context(
                service.database.engine.connect().execution_options(isolation_level="REPEATABLE READ")
            )
            for service in services
        }
        began = time.monotonic()
        with ExitStack() as held:
            locks = _lock_inboxes(services, held)
            unrecorded = _wait_for_record(services)
            waited_s = time.monotonic() - began
            for service in services:
                locks[service.name].exec_driver_sql("LOCK TABLE inbox, outbox IN SHARE MODE")
            instant = datetime.now(UTC)
            snapshots = {
                name: str(reader.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
                for name, reader in readers.items()
            }
        whole_s = time.monotonic() - began
        urls = {service.name: service.database.engine.url for service in services}
        copies = {name: partial(postgresql_tools.dump, urls[name], text) for name, text in snapshots.items()}
        quiet_ms, held_ms = round(whole_s * 1000), round((whole_s - waited_s) * 1000)
        yield Cut("postgresql", instant, quiet_ms, held_ms, unrecorded, copies)


def _recording(services: Sequence[Service]) -> list[Service]:
    """Those that hear everything."""
    return [service for service in services if any(s.everything for s in service.subscriptions)]


def _lock_inboxes(services: Sequence[Service], held: ExitStack) -> dict[str, sa.Connection]:
    """Nobody hears anything from now on until ``held`` is closed, but those that record everything. A connection to each."""
    locks = {service.name: held.enter_context(service.database.engine.connect()) for service in services}
    for service in services:
        locks[service.name].exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        if service not in _recording(services):
            locks[service.name].exec_driver_sql("LOCK TABLE inbox IN SHARE MODE")
    return locks


def _wait_for_record(services: Sequence[Service]) -> int:
    """Until those that record everything have heard what the others have. Returns how much they have not."""
    recording = _recording(services)
    waited_for = _from_outside(services, recording)
    deadline = time.monotonic() + WAIT_FOR_RECORD_S
    while (waited_for := _unrecorded(waited_for, recording)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return len(waited_for)


def _from_outside(services: Sequence[Service], recording: Sequence[Service]) -> set[str]:
    """Messages heard lately that no outbox of ours could tell again."""
    since = datetime.now(UTC) - RECENT
    heard: set[str] = set()
    for service in services:
        inbox = service.database.inbox.c
        if service not in recording:
            with service.database.read() as connection:
                heard |= set(connection.execute(sa.select(inbox.event_id).where(inbox.handled_at > since)).scalars())
    for service in services:
        outbox = service.database.outbox.c
        heard -= ids_among(service.database, outbox.event_id, heard)
    return heard


def _unrecorded(ids: set[str], recording: Sequence[Service]) -> set[str]:
    left = ids
    for service in recording:
        inbox = service.database.inbox.c
        names = [s.name for s in service.subscriptions if s.everything]
        left = left - ids_among(service.database, inbox.event_id, left, inbox.subscription.in_(names))
    return left if recording else set()


def ids_among(
    database: Database, column: sa.Column[str], ids: Iterable[str], *more: sa.ColumnElement[bool]
) -> set[str]:
    """Those of ``ids`` that the column holds."""
    found: set[str] = set()
    asked, statement = sorted(ids), sa.select(column).where(among(column, "ids"), *more)
    with database.read() as connection:
        for start in range(0, len(asked), CHUNK):
            found |= set(connection.execute(statement, {"ids": asked[start : start + CHUNK]}).scalars())
    return found
