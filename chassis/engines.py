"""SQLAlchemy engines as the mechanism needs them: PostgreSQL through psycopg 3, SQLite in a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

SQLITE_TIMEOUT_S = 30.0
# A service asks by key or index, never for a whole table. Without this, plans that PostgreSQL made and kept while its tables
# were small read them from end to end until they are next analysed, however large they have become.
# Starting workers of its own would cost a question of a page's rows more than they save.
PLANNING = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off -c max_parallel_workers_per_gather=0"
FRESH_S = 0.1  # a connection that worked a moment ago is used without asking; no server restarts within that time


def make_engine(url: str, pool_size: int) -> Engine:
    """An engine with up to twice ``pool_size`` connections, opened as they are needed."""
    sqlite = url.startswith("sqlite")
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_use_lifo=True,  # few connections, each with its statements prepared
        hide_parameters=True,  # an error's text goes into logs; what people wrote must not
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args={"timeout": SQLITE_TIMEOUT_S} if sqlite else {"connect_timeout": 5, "options": _options(url)},
    )
    if sqlite:
        _set_up_sqlite(engine)
    else:
        _ask_the_idle(engine)
    return engine


def _options(url: str) -> str:
    """What each session starts with; options in the URL come after ours and win."""
    given = sa.make_url(url).query.get("options", "")
    return " ".join([PLANNING, *([given] if isinstance(given, str) else given)]).strip()


def _ask_the_idle(engine: Engine) -> None:
    """SQLAlchemy's pre-ping, a round trip in every transaction, only for connections that have been idle."""

    @sa.event.listens_for(engine, "checkin")
    def _leave(_connection: Any, record: Any) -> None:
        record.info["left_at"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _take(connection: Any, record: Any, _fairy: Any) -> None:
        left_at = record.info.pop("left_at", None)
        if left_at is None or time.monotonic() - left_at < FRESH_S:
            return
        try:
            alive = engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            alive = False
        if not alive:
            raise sa.exc.InvalidatePoolError


def _set_up_sqlite(engine: Engine) -> None:
    """WAL and synchronous=FULL: a commit that returned survives kill -9 and power loss. Writers take turns (IMMEDIATE)."""
    assert engine.url.database, "SQLite in memory would lose what was acknowledged"
    Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("tongban_read", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
