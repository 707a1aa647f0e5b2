"""Identity numbers, passwords and secrets do not lie about."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
import structlog
from flask import g

from chassis import log
from chassis.envelope_keys import DataKeyWrong
from chassis.idempotency import idempotency_key
from services.identity.adapters.vault import Vault, load_or_create_vault
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db
from services.identity.service import SERVICE
from tests.services.identity.conftest import ADULT, EDUCATION, PASSWORD, SCHOOL, SECRET, Counter, everything
from tests.support import make_runtime

OFFICER = {"username": "officer", "password": PASSWORD, "kind": "officer", "name": "王某", "department": "education"}
CLIENT = {"client_id": "education-system", "client_secret": SECRET, "department": "education"}


def busy_day(counter: Counter) -> None:
    """Everything that takes in something secret: done, repeated, refused."""
    counter.register("departments", EDUCATION)
    for key in ("1", "1", "2"):
        counter.register("parties", {"kind": "person", "name": "林晓芸", "identity_number": ADULT}, key=f"p{key}")
        counter.register("accounts", OFFICER, key=f"a{key}")
        counter.register("clients", CLIENT, key=f"c{key}")
    counter.organisation()
    counter.register("parties", {"kind": "person", "name": "错", "identity_number": ADULT[:-1] + "5"})
    counter.sign_in("officer")
    counter.sign_in("officer", PASSWORD + "!")
    counter.sign_in(PASSWORD, "officer")
    counter.client.post("/oauth2/token", data={"grant_type": "client_credentials", **CLIENT})


def file_bytes(folder: Path) -> bytes:
    """All of the database's files."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("identity.sqlite*")))


def test_passwords_and_secrets_are_nowhere_in_the_database(counter: Counter) -> None:
    busy_day(counter)
    stored = file_bytes(counter.folder)
    for secret in (PASSWORD, SECRET):
        assert secret.encode() not in stored
    assert b"officer" in stored


def test_a_number_stands_in_the_event_that_carries_it_and_nowhere_else(counter: Counter) -> None:
    busy_day(counter)
    for table, rows in everything().items():
        assert (ADULT in repr(rows)) == (table == "outbox"), table
    assert ADULT.encode() in file_bytes(counter.folder)
    with db.transaction() as tx:
        tx.execute(sa.delete(db.outbox))
    db.engine.dispose()
    with sqlite3.connect(counter.folder / "identity.sqlite") as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    stored = file_bytes(counter.folder)
    assert "林晓芸".encode() in stored
    assert ADULT.encode() not in stored
    assert SCHOOL.encode() not in stored


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("logs_as_before")
def test_nothing_secret_is_logged(counter: Counter, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("identity", "DEBUG")
    busy_day(counter)
    with db.transaction() as tx:
        tx.execute(sa.text("DROP TABLE outbox"))
    broken = counter.register("parties", {"kind": "organisation", "name": "第一小学", "uscc": "11339999YX0000024N"})
    logging.getLogger("test").info("canary %s", Sensitive(ADULT))
    said = capsys.readouterr().err
    assert broken.status_code >= 500
    assert "INSERT INTO outbox" in said or "no such table: outbox" in said
    assert "canary ***" in said
    for secret in (ADULT, ADULT[:-1] + "5", PASSWORD, SECRET, "11339999YX0000024N"):
        assert secret not in said


def test_a_statement_that_fails_does_not_quote_what_people_wrote(counter: Counter) -> None:
    with pytest.raises(sa.exc.IntegrityError) as failed, db.transaction() as tx:
        tx.execute(sa.insert(db.outbox), {"event_id": "1", "body": ADULT.encode(), "type": None, "created_at": tx.now})
    assert ADULT not in str(failed.value)


def test_a_fingerprint_of_a_request_is_of_no_use_without_the_data_key(counter: Counter) -> None:
    body = {"kind": "person", "name": "林晓芸", "identity_number": ADULT}
    counter.register("parties", body, key="k")
    with db.read() as connection:
        [stored] = connection.execute(sa.select(db.idempotency.c.fingerprint)).scalars()
    headers = counter.tokens.headers("identity:admin") | {"Idempotency-Key": "k"}
    with counter.client.application.test_request_context("/api/v1/parties", method="POST", json=body, headers=headers):
        g.principal = counter.runtime.tokens.principal(headers["Authorization"].removeprefix("Bearer "))
        plain = idempotency_key().fingerprint
    assert stored == counter.desk.vault.keyed_hash("request", Sensitive(plain)) != plain


def test_sensitive_text_shows_in_no_way_that_is_not_asked_for() -> None:
    number = Sensitive(ADULT)
    shown = [repr(number), str(number), f"{number}", "%s" % number, f"{[number]}", repr({"n": number})]  # noqa: UP031
    assert not any(ADULT in text for text in shown)
    for encode in (json.dumps, msgspec.json.encode):
        with pytest.raises(TypeError):
            encode(number)
    assert number.reveal() == ADULT


def test_one_number_is_sealed_differently_for_each_party_and_found_all_the_same(tmp_path: Path) -> None:
    vault = load_or_create_vault(tmp_path / "data.key")
    number = Sensitive(ADULT)
    assert vault.seal("p-1", number) != vault.seal("p-1", number)
    assert vault.open("p-1", vault.seal("p-1", number)).reveal() == ADULT
    assert vault.keyed_hash("111", number) == load_or_create_vault(tmp_path / "data.key").keyed_hash(
        "111", Sensitive(ADULT)
    )
    assert vault.keyed_hash("111", number) != vault.keyed_hash("001", number)


def test_a_sealed_number_opens_for_its_own_party_and_key_only(tmp_path: Path) -> None:
    vault = load_or_create_vault(tmp_path / "data.key")
    sealed = vault.seal("p-1", Sensitive(ADULT))
    for other, owner in ((vault, "p-2"), (Vault(bytes(32)), "p-1")):
        with pytest.raises(DataKeyWrong):
            other.open(owner, sealed)
    with pytest.raises(DataKeyWrong):
        vault.open("p-1", sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_a_process_with_another_data_key_does_not_start(counter: Counter) -> None:
    counter.person()
    key = counter.folder / "identity" / "data.key"
    original = key.read_bytes()
    for wrong in (bytes(32), original[:16]):
        key.write_bytes(wrong)
        with pytest.raises(DataKeyWrong):
            SERVICE.setup(make_runtime(SERVICE, counter.folder, counter.tokens))
    key.write_bytes(original)
    SERVICE.setup(make_runtime(SERVICE, counter.folder, counter.tokens))
