"""A key for every party, under master keys that change, from files that are never in the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from chassis.envelope_keys import DataKeyWrong
from contracts.person import PartyRegistered
from services.identity.adapters.party_keys import NUMBER, key_of, number_of
from services.identity.adapters.vault import Vault, load_or_create_vault
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, parties, party_keys
from services.identity.service import SERVICE
from services.identity.use_cases.retell_parties import retell_parties
from services.identity.use_cases.rotate_master_key import rotate_master_key
from tests.services.identity.conftest import ADULT, CHILD, Counter
from tests.services.identity.people import OTHER
from tests.support import make_runtime, told


def fresh_vault(counter: Counter) -> Vault:
    """As another process has it."""
    return load_or_create_vault(counter.folder / "identity" / "data.key")


def masters() -> set[int]:
    with db.read() as connection:
        return set(connection.execute(sa.select(party_keys.c.master)).scalars())


def test_after_a_rotation_every_number_opens_under_the_new_key_only(counter: Counter) -> None:
    ids = {counter.person(): ADULT, counter.person(OTHER, "周敏"): OTHER}
    with db.read() as connection:
        before = dict(connection.execute(sa.select(parties.c.party_id, parties.c.code_sealed)).tuples().all())
    for number in (2, 3):
        assert rotate_master_key(counter.desk.vault) == 2
        assert masters() == {number}
    folder = counter.folder / "identity" / "masters"
    assert [file.name for file in folder.iterdir()] == ["0003.key"]
    with db.read() as connection:
        assert dict(connection.execute(sa.select(parties.c.party_id, parties.c.code_sealed)).tuples().all()) == before
        for party_id, number_text in ids.items():
            assert number_of(connection, fresh_vault(counter), party_id).reveal() == number_text
    (folder / "0003.key").unlink()
    with pytest.raises(DataKeyWrong, match="lost"):
        SERVICE.setup(make_runtime(SERVICE, counter.folder, counter.tokens))
    assert list(folder.iterdir()) == []


def test_a_rotation_that_was_stopped_is_finished_by_the_next_and_drops_no_key_in_use(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.identity.use_cases import rotate_master_key as rotation

    counter.person()
    counter.person(OTHER, "周敏")
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    whole = rotation._rewrap_some
    runs = iter([True, False])
    monkeypatch.setattr(rotation, "_rewrap_some", lambda vault, to: whole(vault, to) if next(runs, False) else 0)
    assert rotate_master_key(counter.desk.vault) == 1
    assert masters() == {1, 2}
    monkeypatch.setattr(rotation, "_rewrap_some", whole)
    assert rotate_master_key(fresh_vault(counter)) == 2
    assert masters() == {3}


def test_a_party_registered_by_a_process_that_missed_the_rotation_opens_everywhere(counter: Counter) -> None:
    old = counter.desk.vault
    rotate_master_key(fresh_vault(counter))
    party_id = counter.person()
    assert masters() == {2}
    with db.read() as connection:
        assert number_of(connection, old, party_id).reveal() == ADULT
        assert number_of(connection, fresh_vault(counter), party_id).reveal() == ADULT


def test_a_party_of_an_earlier_release_gets_its_key_at_the_next_start(counter: Counter) -> None:
    adult, child = counter.person(), counter.person(CHILD, "林小宝")
    vault = counter.desk.vault
    with db.transaction() as tx:
        for party_id, number in ((adult, ADULT), (child, CHILD)):
            tx.execute(sa.delete(party_keys).where(party_keys.c.party_id == party_id))
            old = vault.seal(party_id, Sensitive(number))
            tx.execute(sa.update(parties).where(parties.c.party_id == party_id).values(code_sealed=old))
        tx.execute(sa.text("DELETE FROM minors"))
    for _ in range(2):
        SERVICE.setup(make_runtime(SERVICE, counter.folder, counter.tokens))
        with db.read() as connection:
            assert number_of(connection, vault, adult).reveal() == ADULT
            assert list(connection.execute(sa.text("SELECT party_id FROM minors")).scalars()) == [child]


def test_what_is_sealed_for_one_party_or_field_opens_for_no_other(counter: Counter) -> None:
    first, second = counter.person(), counter.person(OTHER, "周敏")
    with db.read() as connection:
        mine, theirs = (key_of(connection, counter.desk.vault, one) for one in (first, second))
    sealed = mine.seal(NUMBER, Sensitive(ADULT))
    assert mine.open(NUMBER, sealed).reveal() == ADULT
    for other, what in ((theirs, NUMBER), (mine, "mobile")):
        with pytest.raises(DataKeyWrong):
            other.open(what, sealed)


def test_a_destroyed_key_is_gone_from_the_files_of_the_database(counter: Counter) -> None:
    party_id = counter.person()
    with db.read() as connection:
        wrapped = connection.execute(sa.select(party_keys.c.wrapped)).scalar_one()
    with db.transaction() as tx:
        tx.execute(sa.update(party_keys).where(party_keys.c.party_id == party_id).values(wrapped=None))
    db.engine.dispose()
    connection = sqlite3.connect(counter.folder / "identity.sqlite")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    files = [file.read_bytes() for file in Path(counter.folder).glob("identity.sqlite*")]
    assert not any(wrapped in content for content in files)


def test_the_operators_command_rotates_the_key_of_the_installation(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from services.identity.__main__ import rotate

    party_id = counter.person()
    monkeypatch.setenv("TONGBAN_DATABASE_URL", f"sqlite:///{counter.folder}/identity.sqlite")
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(counter.folder))
    rotate()
    assert capsys.readouterr().out.rstrip().endswith(": 1")
    assert masters() == {2}
    with db.read() as connection:
        assert number_of(connection, fresh_vault(counter), party_id).reveal() == ADULT


def test_parties_are_told_again_as_they_are_and_the_erased_are_not(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.identity.use_cases import retell_parties as retelling

    kept, erased, last = counter.person(), counter.person(OTHER, "周敏"), counter.person(CHILD, "小明")
    with db.transaction() as tx:
        tx.execute(sa.update(party_keys).where(party_keys.c.party_id == erased).values(wrapped=None))
    first = {event.party_id: event for event in told(db, PartyRegistered)}
    monkeypatch.setattr(retelling, "AT_ONCE", 1)
    assert retell_parties(fresh_vault(counter)) == 2
    again = told(db, PartyRegistered)[len(first) :]
    assert again == [first[party_id] for party_id in sorted((kept, last))]
