"""What the witness remembers: the newest tree that it cosigned of each log. Written before the cosignature leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from witness.rules import NOTHING, Head

_TABLE = "CREATE TABLE IF NOT EXISTS heads (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL)"
_LAST = "SELECT size, root FROM heads WHERE origin = ?"
_KEEP = (
    "INSERT INTO heads (origin, size, root) VALUES (?, ?, ?)"
    " ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root"
)


class Page:
    """One log's entry while nobody else may change it."""

    def __init__(self, connection: sqlite3.Connection, origin: str) -> None:
        self._connection, self._origin = connection, origin
        row = connection.execute(_LAST, (origin,)).fetchone()
        self.last = Head(*row) if row else NOTHING

    def keep(self, head: Head) -> None:
        """Remember ``head`` when the block ends."""
        self._connection.execute(_KEEP, (self._origin, head.size, head.root))


class Book:
    """A SQLite file of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(self._connect()) as connection:
            connection.execute(_TABLE)

    @contextmanager
    def page(self, origin: str) -> Iterator[Page]:
        """Look up and remember in one step: what was kept is on disk when the block has ended without an error."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Page(connection, origin)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return connection
