"""Many rows in one statement are what one row at a time would be, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.db import BIG, Database, UtcDateTime

NOON = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Database:
    made = Database("bulk")
    sa.Table(
        "things",
        made.metadata,
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("number", BIG),
        sa.Column("on_day", sa.Date),
        sa.Column("at", UtcDateTime),
        sa.Column("whether", sa.Boolean),
        sa.Column("body", sa.LargeBinary),
        sa.Column("form", sa.JSON),
        sa.Column("version", sa.Integer, nullable=False),
    )
    made.bind(database_url)
    made.metadata.create_all(made.engine)
    return made


def thing(name: str, **values: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(("number", "on_day", "at", "whether", "body", "form"))
    return {"name": name, **empty, "version": 1} | values


def things(database: Database) -> dict[str, dict[str, Any]]:
    with database.read() as connection:
        rows = connection.execute(sa.select(database.metadata.tables["things"]))
        return {row.name: dict(row._mapping) for row in rows}


ROWS = [
    thing("empty"),
    thing("numbers", number=2**62, whether=False, on_day=date(2024, 2, 29), at=NOON),
    thing("another zone", at=NOON.astimezone(timezone(timedelta(hours=8)))),
    thing("bytes", body=bytes(range(256)), whether=True),
    thing("no bytes", body=b""),
    thing("'; DROP TABLE things --", form={"备注": '"引号" \\ {}', "list": [1, None, 2.5, {"深": True}]}),
    thing("texts of JSON", form=["null"], number=-1),
]


def test_what_goes_in_comes_out(database: Database) -> None:
    with database.transaction() as tx:
        tx.insert(database.metadata.tables["things"], ROWS)
        tx.insert(database.metadata.tables["things"], [])
    assert things(database) == {row["name"]: row for row in ROWS}


def test_only_new_rows_are_inserted_and_named(database: Database) -> None:
    table = database.metadata.tables["things"]
    with database.transaction() as tx:
        tx.insert(table, [thing("a", number=1)])
        new = tx.insert_new(table, [thing("a", number=2), thing("b", number=2)], [table.c.name])
    assert [row.name for row in new] == ["b"]
    assert {name: row["number"] for name, row in things(database).items()} == {"a": 1, "b": 2}


def test_an_update_of_a_version_that_has_passed_finds_nothing(database: Database) -> None:
    table = database.metadata.tables["things"]
    with database.transaction() as tx:
        tx.insert(table, [thing("a"), thing("b"), thing("c", form={"old": 1})])
        changes = [{"name": name, "version": 1, "form": None, "number": n} for n, name in enumerate("ac")]
        assert tx.update(table, ["name"], changes, version="version") == 2
        assert tx.update(table, ["name"], changes, version="version") == 0
    found = things(database)
    assert {name: (row["number"], row["version"]) for name, row in found.items()} == {
        "a": (0, 2),
        "b": (None, 1),
        "c": (1, 2),
    }
    assert found["c"]["form"] is None
