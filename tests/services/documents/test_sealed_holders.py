"""Holders' numbers lie sealed: one that was planted is in no table, file, queue or log of documents, and still on the licence."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from alembic import command

from chassis import log
from chassis.envelope_keys import DataKeyWrong
from chassis.migrate import config_for, upgrade
from contracts.person import PartyChanged
from services.documents import queries
from services.documents.adapters.holder_keys import HolderKeys
from services.documents.models import db, holders
from services.documents.service import MIGRATIONS, SERVICE, setup
from services.documents.use_cases.rotate_master_key import rotate_master_key
from tests.factories.licences import approved, published, registered
from tests.support import Tokens, bind, deliver, envelope_bytes, make_runtime
from verify.licence import verify_licence

PLANTED = "330000198503160026"


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure("documents", "DEBUG")
    yield capsys
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def number_of(keys: HolderKeys, party_id: str = "o-1") -> str:
    with db.read() as connection:
        return queries.holder_of(connection, keys, party_id).code


def rows() -> dict[str, Any]:
    with db.read() as connection:
        return {row.party_id: row for row in connection.execute(sa.select(holders))}


def files_and_dump(folder: Path) -> tuple[bytes, str]:
    """The database's files as they lie there, and everything that SQL can say of them."""
    db.engine.dispose()
    connection = sqlite3.connect(folder / "documents.sqlite")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    dump = "\n".join(connection.iterdump())
    connection.close()
    return b"".join(file.read_bytes() for file in sorted(folder.glob("documents.sqlite*"))), dump


def test_a_planted_number_is_printed_and_in_no_table_file_queue_or_log(
    empty_desk: Any, logged: pytest.CaptureFixture[str]
) -> None:
    person = registered(code=PLANTED, code_type="111", name="林晓芸")
    # The licence is decided before anything is known of its holder: the decision waits in the queue of retries.
    deliver(SERVICE, "documents.licences", envelope_bytes(approved(), source="workflow"))
    empty_desk.hear(published(), person)
    issued = empty_desk.issue(case_no="case-2")
    empty_desk.hear(PartyChanged(party_id="o-1", revision=1, name="林晓云"), person)
    found = verify_licence(empty_desk.pdf(issued), empty_desk.ca(), issued.licence_no)
    assert (found.ok, found.holder) == (True, "林晓芸")
    assert number_of(HolderKeys(empty_desk.folder / "documents")) == PLANTED
    said = "".join(logged.readouterr())
    files, dump = files_and_dump(empty_desk.folder)
    assert "林晓云" in dump
    assert issued.licence_no in dump
    for place in (dump, said, files.decode("latin-1")):
        assert PLANTED not in place


def test_numbers_of_an_older_release_are_sealed_as_the_service_starts(database_url: str, tmp_path: Path) -> None:
    db.bind(database_url)
    config = config_for(MIGRATIONS)
    config.attributes["database"] = db
    command.upgrade(config, "0003")
    old = sa.Table("holders", sa.MetaData(), autoload_with=db.engine)
    kept = {"name": "林晓芸", "code_type": "111", "revision": 0}
    with db.writing() as connection:
        connection.execute(sa.insert(old), [kept | {"party_id": "p-1", "code": PLANTED}])
        connection.execute(sa.insert(old), [kept | {"party_id": "p-2", "name": "", "code": ""}])  # erased
    upgrade(db, MIGRATIONS)
    keys = HolderKeys(tmp_path / "documents")
    assert number_of(keys, "p-1") == PLANTED  # a licence that is issued meanwhile has its number
    for _ in range(2):
        setup(make_runtime(SERVICE, tmp_path, Tokens("documents")))
        assert {row.code for row in rows().values()} == {None}
        assert (number_of(keys, "p-1"), number_of(keys, "p-2")) == (PLANTED, "")
    assert rows()["p-2"].key_wrapped is None


def test_of_an_erased_holder_the_key_is_gone(desk: Any) -> None:
    sealed = rows()["o-1"]
    desk.hear(PartyChanged(party_id="o-1", revision=1, name=None))
    erased = rows()["o-1"]
    assert (erased.key_master, erased.key_wrapped, erased.code_sealed) == (None, None, None)
    assert number_of(HolderKeys(desk.folder / "documents")) == ""
    assert sealed.key_wrapped is not None


def test_a_row_copied_to_another_holder_does_not_open(desk: Any) -> None:
    desk.hear(registered("o-2", code="12370800MB2855917F"))
    copied = {name: getattr(rows()["o-1"], name) for name in ("key_master", "key_wrapped", "code_sealed")}
    with db.transaction() as tx:
        tx.execute(sa.update(holders).where(holders.c.party_id == "o-2").values(**copied))
    with pytest.raises(DataKeyWrong):
        number_of(HolderKeys(desk.folder / "documents"), "o-2")


def test_after_a_rotation_numbers_open_under_the_new_master_key_only(desk: Any) -> None:
    before = rows()["o-1"]
    folder = desk.folder / "documents"
    for number in (2, 3):
        assert rotate_master_key(HolderKeys(folder)) == 1
        after = rows()["o-1"]
        assert (after.key_master, after.code_sealed) == (number, before.code_sealed)
    assert [file.name for file in (folder / "masters").iterdir()] == ["0003.key"]
    assert number_of(HolderKeys(folder)) == registered().code
    (folder / "masters" / "0003.key").unlink()
    with pytest.raises(DataKeyWrong, match="lost"):
        number_of(HolderKeys(folder))


def test_the_key_files_are_private(desk: Any) -> None:
    rotate_master_key(HolderKeys(desk.folder / "documents"))
    files = [desk.folder / "documents" / "holders.key", *(desk.folder / "documents" / "masters").iterdir()]
    assert [(file.name, file.stat().st_mode & 0o777) for file in files] == [("holders.key", 0o600), ("0002.key", 0o600)]


def test_a_second_process_on_a_fresh_database_reads_what_the_first_has_sealed(tmp_path: Path) -> None:
    bind(SERVICE, tmp_path)
    setup(make_runtime(SERVICE, tmp_path, Tokens("documents")))
    deliver(SERVICE, "documents.copies", envelope_bytes(registered(), source="identity"))
    setup(make_runtime(SERVICE, tmp_path, Tokens("documents")))
    assert number_of(HolderKeys(tmp_path / "documents")) == registered().code
