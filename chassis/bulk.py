"""Many rows in one statement: on PostgreSQL all of them travel as one JSON parameter, so that the client encodes, and the
server plans and binds, once for any number of rows. Elsewhere the driver repeats the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

Rows = Sequence[dict[str, Any]]


def insert_rows(connection: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows that all name the same columns."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_insert_from_json(table, tuple(rows[0])), _parameter(table, rows))
    else:
        connection.execute(sa.insert(table), rows)


def insert_new_rows(
    connection: Connection, table: sa.Table, rows: Rows, returning: Sequence[sa.Column[Any]]
) -> Sequence[Any]:
    """Insert what violates no unique key; returns ``returning`` of the rows that were new."""
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        statement = _insert_new_from_json(table, tuple(rows[0]), tuple(returning))
        return connection.execute(statement, _parameter(table, rows)).fetchall()
    return connection.execute(sqlite.insert(table).on_conflict_do_nothing().returning(*returning), rows).fetchall()


def update_rows(
    connection: Connection, table: sa.Table, keys: Sequence[str], rows: Rows, version: str | None = None
) -> int:
    """Update each row that its ``keys`` name with the other values; returns how many were found. The column ``version``
    must have the row's value and is raised by one.
    """
    if not rows:
        return 0
    what = table, tuple(keys), tuple(rows[0]), version
    if connection.dialect.name == "postgresql":
        return connection.execute(_update_from_json(*what), _parameter(table, rows)).rowcount
    theirs = [{f"new_{name}": value for name, value in row.items()} for row in rows]
    return connection.execute(_update_one(*what), theirs).rowcount


def _parameter(table: sa.Table, rows: Rows) -> dict[str, str]:
    """The rows as JSON. Bytes go as PostgreSQL's hexadecimal text, which is no JSON of its own."""
    binary = [name for name in rows[0] if isinstance(table.c[name].type, sa.LargeBinary)]
    if binary:
        rows = [row | {name: _hexadecimal(row[name]) for name in binary} for row in rows]
    return {"rows": msgspec.json.encode(rows).decode()}


def _hexadecimal(value: bytes | None) -> str | None:
    return None if value is None else "\\x" + value.hex()


def _recordset(table: sa.Table, names: tuple[str, ...]) -> Any:
    columns = [sa.column(name, table.c[name].type) for name in names]
    rows = sa.cast(sa.bindparam("rows", type_=sa.Text()), postgresql.JSON(none_as_null=True))
    return sa.func.json_to_recordset(rows).table_valued(*columns, name="r").render_derived(with_types=True)


@cache
def _insert_from_json(table: sa.Table, names: tuple[str, ...]) -> Any:
    source = _recordset(table, names)
    return postgresql.insert(table).from_select(list(names), sa.select(*(source.c[name] for name in names)))


@cache
def _insert_new_from_json(table: sa.Table, names: tuple[str, ...], returning: tuple[sa.Column[Any], ...]) -> Any:
    return _insert_from_json(table, names).on_conflict_do_nothing().returning(*returning)


@cache
def _update_from_json(table: sa.Table, keys: tuple[str, ...], names: tuple[str, ...], version: str | None) -> Any:
    return _update(table, keys, version, dict(_recordset(table, names).c))


@cache
def _update_one(table: sa.Table, keys: tuple[str, ...], names: tuple[str, ...], version: str | None) -> Any:
    return _update(
        table, keys, version, {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    )


def _update(table: sa.Table, keys: tuple[str, ...], version: str | None, given: dict[str, Any]) -> Any:
    matched = keys if version is None else (*keys, version)
    values = {name: value for name, value in given.items() if name not in matched}
    if version is not None:
        values[version] = table.c[version] + 1
    return sa.update(table).where(*(table.c[name] == given[name] for name in matched)).values(values)
