"""The services' databases as files or on a server, opened anew for each question: what is asked runs beside the platform."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

Row = Sequence[Any]


class SqliteDatabases:
    """The embedded platform's files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, service: str, query: str) -> list[Row]:
        """Rows of a query."""
        return read_sqlite(self._folder / f"{service}.sqlite", query)

    def insert(self, service: str, table: str, row: dict[str, Any]) -> None:
        """Add one row and commit."""
        with closing(sqlite3.connect(self._folder / f"{service}.sqlite", timeout=30)) as connection, connection:
            connection.execute(_insertion(table, row, "?"), list(row.values()))


class PostgresqlDatabases:
    """Databases on a server; ``url_of`` gives a service's SQLAlchemy URL."""

    def __init__(self, url_of: Callable[[str], str]) -> None:
        self.url_of = url_of

    def read(self, service: str, query: str) -> list[Row]:
        """Rows of a query."""
        with psycopg.connect(self._address(service)) as connection:
            return list(connection.execute(query.encode()).fetchall())

    def insert(self, service: str, table: str, row: dict[str, Any]) -> None:
        """Add one row and commit."""
        with psycopg.connect(self._address(service)) as connection:
            connection.execute(_insertion(table, row, "%s").encode(), list(row.values()))

    def _address(self, service: str) -> str:
        return self.url_of(service).replace("+psycopg", "")


Databases = SqliteDatabases | PostgresqlDatabases


def read_sqlite(file: Path, query: str) -> list[Row]:
    """Rows of a query on a file that another process may be writing."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
        return list(connection.execute(query).fetchall())


def _insertion(table: str, row: dict[str, Any], mark: str) -> str:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join([mark] * len(row))})"
