"""A planted number, mobile and sentence go through everything that takes them, and are looked for where they must not be."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog

from chassis import clock, log
from services.identity.adapters.registers import FileRegisters
from services.identity.api.people_desk import REGISTERS
from services.identity.domain.delegation import law_date
from services.identity.models import db
from services.identity.service import SERVICE
from services.identity.use_cases.rotate_master_key import rotate_master_key
from tests.services.identity.conftest import ADULT, CHILD, Counter, everything
from tests.services.identity.people import OTHER, registers_file, somebody
from tests.services.identity.test_personal_data import CASE, STAFF, closed, hear, sent_to, submitted
from tests.support import Tokens, bind, make_app, make_runtime

MOBILE, SENTENCE = "13800001234", "我小时候住在桂花巷"
PLANTED = (ADULT, OTHER, CHILD, MOBILE, SENTENCE)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure("identity", "DEBUG")
    yield capsys
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def long_day(counter: Counter, tmp_path: Path) -> None:
    """Verified, delegated, claimed, revealed, changed, asked, exported; and each refused once."""
    counter.runtime.parts[REGISTERS] = FileRegisters(registers_file(tmp_path))
    person = somebody(counter)
    agent = somebody(counter, OTHER, "周敏")
    hear(submitted(person.party_id))
    for third in (MOBILE, MOBILE[:-1] + "9"):
        person.post("my/verifications", {"third_item": "mobile", "third_value": third})
    until = (law_date(clock.now()) + timedelta(days=3)).isoformat()
    offer = {"name": "周敏", "identity_number": OTHER, "actions": ["read"], "from_on": "2025-01-01", "until_on": until}
    made = person.post("delegations", offer).json
    person.post("delegations", offer | {"identity_number": OTHER[:-1] + "0"})
    agent.post(f"delegations/{made['delegation_id']}/acceptance")
    for someone in (person, agent):
        someone.post("my/children", {"name": "林小宝", "identity_number": CHILD})
    for case_no in (CASE, CASE[:-1] + "9"):
        body = {"case_no": case_no, "reason": "核对"}
        person.post(f"parties/{person.party_id}/reveals", body, scope="parties:reveal", **STAFF)
    person.put("my/contacts/mobile", {"address": MOBILE})
    person.put("my/contacts/mobile", {"address": MOBILE})
    [(_, _, code)] = sent_to(counter)
    person.post("my/contacts/mobile/confirmation", {"code": code})
    person.post("my/data-requests", {"kind": "correction", "details": SENTENCE})
    person.post("my/data-requests", {"kind": "erasure", "details": SENTENCE})
    exported = person.get("my/data").text
    assert all(planted in exported for planted in (ADULT, MOBILE))


def test_the_same_day_goes_the_same_way_on_every_database(database_url: str, tmp_path: Path) -> None:
    bind(SERVICE, tmp_path, database_url)
    tokens = Tokens("identity")
    runtime = make_runtime(SERVICE, tmp_path, tokens, staff_second_factor="offered")
    counter = Counter(make_app(SERVICE, runtime).test_client(), tokens, runtime, tmp_path)
    long_day(counter, tmp_path)
    assert rotate_master_key(counter.desk.vault) == 3
    hear(closed())
    hear(closed(CASE[:-1] + "5"), submitted("p-1", CASE[:-1] + "5"))
    rows = everything()
    counted = {
        name: len(rows[name]) for name in ("delegations", "disclosures", "contacts", "data_requests", "running_cases")
    }
    assert counted == {"delegations": 2, "disclosures": 1, "contacts": 1, "data_requests": 2, "running_cases": 0}
    assert sorted(row[6] for row in rows["verifications"]) == ["match", "match", "no_match", "no_match"]


def test_a_planted_canary_is_in_no_table_no_file_no_dump_and_no_log(
    counter: Counter, tmp_path: Path, logged: pytest.CaptureFixture[str]
) -> None:
    long_day(counter, tmp_path)
    told = repr(everything()["outbox"])
    assert [planted in told for planted in PLANTED] == [True, True, True, False, False]
    with db.transaction() as tx:
        tx.execute(sa.delete(db.outbox))
    db.engine.dispose()
    connection = sqlite3.connect(counter.folder / "identity.sqlite")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    dump = "\n".join(connection.iterdump())
    connection.close()
    files = b"".join(file.read_bytes() for file in sorted(counter.folder.glob("identity.sqlite*")))
    said = "".join(logged.readouterr())
    assert "林晓芸".encode() in files
    assert "林晓芸" in dump
    for planted in PLANTED:
        assert planted not in dump
        assert planted.encode() not in files
        assert planted not in said
