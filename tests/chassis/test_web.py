"""What the web edge says when the database refuses or is away: a problem with the right status, and nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from chassis import deadline
from localservers.postgresql import PostgreSQL
from tests.chassis.tiny.service import SERVICE, db, notes
from tests.support import Tokens, bind, make_app, make_runtime


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> FlaskClient:
    bind(SERVICE, tmp_path, database_url)
    return make_app(SERVICE, make_runtime(SERVICE, tmp_path, Tokens())).test_client()


def stored() -> list[str]:
    with db.read() as connection:
        return list(connection.execute(sa.select(notes.c.note_no)).scalars())


def set_up_connection(statement: str) -> None:
    """Run it on the connection that the pool gives next."""
    with db.engine.connect().execution_options(tongban_read=True) as connection:
        connection.exec_driver_sql(statement)
        connection.commit()


def test_a_value_that_the_database_cannot_hold_is_the_callers_mistake(client: FlaskClient) -> None:
    for note in ("a%00b", "n" * 41):
        answer = client.post(f"/notes/{note}")
        assert answer.status_code == (422 if db.is_postgresql else 201)
    if db.is_postgresql:
        assert answer.json["code"] == "invalid_input"
        assert stored() == []


def test_a_read_only_database_is_503_and_recovers_unaided(client: FlaskClient) -> None:
    on, off = ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off")
    if not db.is_postgresql:
        on, off = "PRAGMA query_only = 1", "PRAGMA query_only = 0"
    set_up_connection(on)
    answer = client.post("/notes/a")
    assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]
    set_up_connection(off)
    assert stored() == []
    assert client.post("/notes/a").status_code == 201


def test_a_killed_database_is_503_and_recovers_unaided(
    postgresql: PostgreSQL, postgresql_url: str, tmp_path: Path
) -> None:
    bind(SERVICE, tmp_path, postgresql_url)
    client = make_app(SERVICE, make_runtime(SERVICE, tmp_path, Tokens())).test_client()
    assert client.post("/notes/a").status_code == 201
    postgresql.kill()
    for _ in range(2):
        assert client.post("/notes/b").status_code == 503
    postgresql.restart()
    assert client.post("/notes/b").status_code == 201
    assert sorted(stored()) == ["a", "b"]


def test_work_whose_deadline_has_passed_is_refused_and_not_done(client: FlaskClient) -> None:
    late = client.post("/notes/late", headers={deadline.HEADER: deadline.in_s(-0.01)})
    assert (late.status_code, late.json["code"]) == (504, "deadline_passed")
    assert stored() == []
    for value in (deadline.in_s(30), "soon", "-1", "9" * 40):
        assert client.post(f"/notes/n{value[:5]}", headers={deadline.HEADER: value}).status_code == 201
    assert len(stored()) == 4
