"""The ledger on a real database: everything is in it, nobody's data is, and what is altered is found."""

from __future__ import annotations

import base64
import json
import stat
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.errors import Refusal
from contracts.envelope import decode_envelope
from contracts.person import PartyRegistered
from services.audit import jobs, models
from services.audit.adapters.ledger_key import KEY, LedgerKey
from services.audit.adapters.metrics import LEDGER_TAMPERED
from services.audit.domain.leaf import commitment
from services.audit.service import SERVICE
from tests.support import Tokens, bind, deliver, envelope_bytes, make_app, make_runtime
from verify.ledger import open_note, verify_consistency, verify_trail

PEOPLE = ("person-li", "officer-wang", "officer-zhao")


def feed(events: list[tuple[Any, str, int | None]]) -> list[bytes]:
    bodies = [envelope_bytes(event, source=source, caseseq=number) for event, source, number in events]
    deliver(SERVICE, "audit.ledger", *bodies)
    return bodies


def rows(database: Any, table: sa.Table) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table).order_by(*table.primary_key.columns)).fetchall())


def change(database: Any, statement: Any) -> None:
    with database.engine.begin() as connection:
        assert connection.execute(statement).rowcount > 0


def read_trail(client: Any, tokens: Tokens, case_no: str, **claims: Any) -> Any:
    claims = {"kind": "supervisor"} | claims
    return client.get(f"/api/v1/trails/{case_no}", headers=tokens.headers("trails:read", **claims))


def test_every_event_is_entered_once_in_a_row_without_gaps(client: Any, database: Any, say: Any) -> None:
    bodies = feed(say.whole_case())
    deliver(SERVICE, "audit.ledger", *bodies, *bodies[:3])
    change(database, sa.delete(database.inbox))
    deliver(SERVICE, "audit.ledger", *bodies)  # even when the inbox has forgotten them

    entries = rows(database, models.entries)
    assert [e.seq for e in entries] == list(range(len(bodies)))
    assert [e.event_id for e in entries] == [decode_envelope(b).id for b in bodies]
    assert [e.case_entry for e in entries] == list(range(1, len(bodies) + 1))
    assert rows(database, models.log_head)[0].size == len(bodies)


def test_events_of_unknown_type_are_entered_without_a_copy(client: Any, database: Any, say: Any) -> None:
    body = json.loads(envelope_bytes(say.submitted(), source="workflow")) | {"type": "case.reopened.v7"}
    misfit = json.loads(envelope_bytes(say.submitted(), source="workflow")) | {"data": [1]}
    deliver(SERVICE, "audit.ledger", json.dumps(body).encode(), json.dumps(misfit).encode())

    assert [e.type for e in rows(database, models.entries)] == ["case.reopened.v7", "case.submitted.v1"]
    assert [o.payload for o in rows(database, models.openings)] == [None, b"[1]"]


def test_a_persons_data_is_neither_stored_nor_hashed_plainly(client: Any, database: Any, say: Any) -> None:
    person = PartyRegistered(party_id="p-9", name="张三丰", code_type="111", code="11010519491231002X")
    [body, *_] = feed([(person, "identity", None), *say.whole_case()])
    jobs.sign()
    file = Path(database.engine.url.database)
    stored = b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))  # its write-ahead log too
    assert b"case.submitted.v1" in stored
    assert b"11010519491231002X" not in stored
    assert "张三丰".encode() not in stored

    opening = rows(database, models.openings)[0]
    leaf = json.loads(rows(database, models.entries)[0].leaf)
    assert opening.payload is None
    assert leaf["payload_commitment"] == commitment(opening.salt, bytes(decode_envelope(body).data))


def test_people_appear_under_one_random_pseudonym_each(client: Any, database: Any, say: Any) -> None:
    feed(say.whole_case())
    feed([(say.submitted(say.CASE[:-1] + "2"), "workflow", 1)])
    leaves = [json.loads(e.leaf) for e in rows(database, models.entries)]
    names = [leaf["actor_pseudonym"] for leaf in leaves if "actor_pseudonym" in leaf]
    assert len(names) == 4  # submitter, officer, decider, and the submitter again
    assert names[0] == names[3]
    assert len(set(names)) == 3
    assert not any(person in e.leaf.decode() for e in rows(database, models.entries) for person in PEOPLE)


def test_a_trail_is_complete_ordered_and_proven_at_once(client: Any, tokens: Tokens, say: Any) -> None:
    feed(say.whole_case(say.CASE[:-1] + "9"))
    events = say.whole_case()
    feed(events[:4])
    feed(events[4:])

    answer = read_trail(client, tokens, say.CASE)
    assert answer.status_code == 200
    trail = answer.get_json()
    result = verify_trail(trail, client.get("/api/v1/ledger/key").text)
    assert result.failures == []
    assert (result.events, result.tree_size, result.opened) == (9, 18, 7)
    assert [e["type"] for e in trail["events"]] == [event.TYPE for event, _, _ in events]
    assert (trail["events"][0]["title"], trail["events"][0]["title_en"]) == ("收件", "Application received")
    personal = {e["type"] for e in trail["events"] if e["payload"] is None}
    assert personal == {"task.assigned.v1", "case.approved.v1"}
    assert client.get("/api/v1/ledger/checkpoint").text == trail["checkpoint"]


def test_case_order_holds_against_the_order_of_arrival_and_clocks(client: Any, tokens: Tokens, say: Any) -> None:
    bodies = [envelope_bytes(event, source=source, caseseq=n) for event, source, n in say.whole_case()]
    wrong = json.loads(bodies[5]) | {"time": "2020-01-01T00:00:00Z"}  # its producer's clock was off
    deliver(SERVICE, "audit.ledger", *reversed([*bodies[:5], json.dumps(wrong).encode(), *bodies[6:]]))

    trail = read_trail(client, tokens, say.CASE).get_json()
    numbers = [json.loads(e["leaf"]).get("caseseq") for e in trail["events"]]
    assert [n for n in numbers if n is not None] == [1, 2, 3, 4, 5, 6]
    assert verify_trail(trail, KEY.vkey).ok


def test_only_supervisors_and_the_applicant_see_a_trail(client: Any, tokens: Tokens, say: Any) -> None:
    feed(say.whole_case())
    assert read_trail(client, tokens, say.CASE, kind="person", party=say.APPLICANT).status_code == 200
    for claims in ({"kind": "person", "party": "party-other"}, {"kind": "officer", "dept": "police"}):
        refused = read_trail(client, tokens, say.CASE, **claims)
        assert (refused.status_code, refused.get_json()["code"]) == (404, "not_found")
    for unknown in (say.CASE[:-1] + "3", "%00", "' OR 1=1", "办件"):
        assert read_trail(client, tokens, unknown).status_code == 404
    no_scope = client.get(f"/api/v1/trails/{say.CASE}", headers=tokens.headers("cards:read", kind="supervisor"))
    assert no_scope.status_code == 403
    assert client.get(f"/api/v1/trails/{say.CASE}").status_code == 401


def test_checkpoints_are_signed_only_when_the_log_grew(client: Any, database: Any, say: Any) -> None:
    jobs.sign()
    jobs.sign()
    feed(say.whole_case()[:3])
    jobs.sign()
    jobs.sign()
    checkpoints = rows(database, models.checkpoints)
    assert [c.size for c in checkpoints] == [0, 3]
    for checkpoint in checkpoints:
        text = open_note(checkpoint.note, KEY.vkey)
        assert text == ["tongban/ledger", str(checkpoint.size), base64.b64encode(checkpoint.root).decode()]


def test_any_two_checkpoints_are_provably_consistent(client: Any, database: Any, say: Any) -> None:
    for event in say.whole_case():
        feed([event])
        jobs.sign()
    roots = {c.size: c.root for c in rows(database, models.checkpoints)}
    for old in range(1, 10):
        for new in range(old, 10):
            answer = client.get(f"/api/v1/ledger/consistency?from={old}&to={new}").get_json()
            proof = [bytes.fromhex(value) for value in answer["proof"]]
            assert verify_consistency(old, new, roots[old], roots[new], proof)
    assert client.get("/api/v1/ledger/consistency?from=3&to=10").get_json()["code"] == "tree_size_unknown"
    assert client.get("/api/v1/ledger/consistency?from=5&to=3").status_code == 404
    for bad in ("", "?from=0&to=3", "?from=1&to=99999999999999999999", "?from=a&to=3"):
        assert client.get(f"/api/v1/ledger/consistency{bad}").status_code == 422


TAMPERINGS = {
    "leaf": lambda: sa.update(models.entries).where(models.entries.c.seq == 4).values(leaf=b"{}"),
    "not JSON": lambda: sa.update(models.entries).where(models.entries.c.seq == 4).values(leaf=b"\xff"),
    "type": lambda: sa.update(models.entries).where(models.entries.c.seq == 4).values(type="case.closed.v1"),
    "case": lambda: sa.update(models.entries).where(models.entries.c.seq == 4).values(case_ref="X"),
    "deleted": lambda: sa.delete(models.entries).where(models.entries.c.seq == 4),
    "last deleted": lambda: sa.delete(models.entries).where(models.entries.c.seq == 8),
    "payload": lambda: sa.update(models.openings).where(models.openings.c.seq == 5).values(payload=b"{}"),
    "hash": lambda: sa.update(models.nodes).where(models.nodes.c.position == 4).values(hash=b"0" * 32),
    "interior hash": lambda: sa.delete(models.nodes).where(models.nodes.c.level == 1, models.nodes.c.position == 2),
    "signed hash": lambda: sa.update(models.nodes).where(models.nodes.c.level == 1).values(hash=b"0" * 32),
    "signed root": lambda: sa.update(models.checkpoints).values(root=b"0" * 32),
    "signature": lambda: sa.update(models.checkpoints).values(note=models.checkpoints.c.note.concat("A")),
    "truncated": lambda: sa.update(models.log_head).values(size=2),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_tampered_row_stops_the_next_checkpoint_and_rings(what: str, client: Any, database: Any, say: Any) -> None:
    feed(say.whole_case()[:3])
    jobs.sign()
    feed(say.whole_case()[3:])
    before = rows(database, models.checkpoints)
    change(database, TAMPERINGS[what]())
    tampered = rows(database, models.checkpoints)

    with pytest.raises(Refusal, match="ledger_tampered"):
        jobs.sign()
    assert rows(database, models.checkpoints) == tampered
    assert len(tampered) == len(before)
    assert LEDGER_TAMPERED._value.get() == 1


def test_two_swapped_rows_stop_the_next_checkpoint(client: Any, database: Any, say: Any) -> None:
    feed(say.whole_case())
    first, second = (e.leaf for e in rows(database, models.entries)[2:4])
    change(database, sa.update(models.entries).where(models.entries.c.seq == 2).values(leaf=second))
    change(database, sa.update(models.entries).where(models.entries.c.seq == 3).values(leaf=first))
    with pytest.raises(Refusal, match="ledger_tampered"):
        jobs.sign()
    assert rows(database, models.checkpoints) == []


def test_the_alarm_ends_when_the_row_is_restored(client: Any, database: Any, say: Any) -> None:
    feed(say.whole_case())
    leaf = rows(database, models.entries)[4].leaf
    change(database, TAMPERINGS["leaf"]())
    with pytest.raises(Refusal):
        jobs.sign()
    change(database, sa.update(models.entries).where(models.entries.c.seq == 4).values(leaf=leaf))
    jobs.sign()
    assert LEDGER_TAMPERED._value.get() == 0


def test_a_trail_that_cannot_be_signed_is_refused(client: Any, tokens: Tokens, database: Any, say: Any) -> None:
    feed(say.whole_case())
    change(database, TAMPERINGS["leaf"]())
    refused = read_trail(client, tokens, say.CASE)
    assert (refused.status_code, refused.get_json()["code"]) == (503, "ledger_tampered")
    assert rows(database, models.checkpoints) == []


def test_a_row_altered_after_it_was_signed_is_found_by_the_verifier(
    client: Any, tokens: Tokens, database: Any, say: Any
) -> None:
    feed(say.whole_case())
    jobs.sign()
    leaf = rows(database, models.entries)[4].leaf.replace(b'"police"', b'"health"')
    change(database, sa.update(models.entries).where(models.entries.c.seq == 4).values(leaf=leaf))
    result = verify_trail(read_trail(client, tokens, say.CASE).get_json(), KEY.vkey)
    assert result.failures == ["event 4: the leaf is not in the tree at this place"]


def test_erasing_leaves_a_verifiable_ledger(client: Any, tokens: Tokens, database: Any, say: Any) -> None:
    feed(say.whole_case())
    jobs.sign()
    change(database, sa.delete(models.openings).where(models.openings.c.seq == 0))
    change(database, sa.delete(models.actors))
    feed([(say.submitted(say.CASE[:-1] + "2"), "workflow", 1)])
    change(database, sa.delete(models.openings).where(models.openings.c.seq == 9))
    jobs.sign()

    trail = read_trail(client, tokens, say.CASE).get_json()
    assert verify_trail(trail, KEY.vkey).ok
    assert (trail["events"][0]["payload"], trail["events"][0]["salt"]) == (None, None)


def test_the_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first, second = LedgerKey(), LedgerKey()
    first.load(tmp_path / "a" / "key.pem", "tongban/ledger")
    second.load(tmp_path / "a" / "key.pem", "tongban/ledger")
    assert first.vkey == second.vkey
    assert stat.S_IMODE((tmp_path / "a" / "key.pem").stat().st_mode) == 0o600


def test_a_checkpoint_under_another_key_counts_as_tampering(
    client: Any, database: Any, tmp_path: Path, tokens: Tokens, say: Any
) -> None:
    feed(say.whole_case()[:3])
    jobs.sign()
    (tmp_path / "audit" / "ledger-key.pem").unlink()
    make_app(SERVICE, make_runtime(SERVICE, tmp_path, tokens))
    feed(say.whole_case()[3:])
    with pytest.raises(Refusal, match="ledger_tampered"):
        jobs.sign()


def test_growth_in_any_batches_gives_the_same_tree(tmp_path: Path, tokens: Tokens, say: Any) -> None:
    """Roots depend on the leaves alone; here on their count, by the nodes that must exist."""
    for batches in ((9,), (1, 8), (3, 3, 3), (1,) * 9):
        folder = tmp_path / "-".join(map(str, batches))
        database = bind(SERVICE, folder)
        make_app(SERVICE, make_runtime(SERVICE, folder, tokens))
        events = say.whole_case()
        for start, end in zip((0, *accumulate(batches)), accumulate(batches), strict=False):
            feed(events[start:end])
        expected = {(level, p) for level in range(4) for p in range(9 >> level)}
        assert {(n.level, n.position) for n in rows(database, models.nodes)} == expected
        jobs.sign()
        assert [c.size for c in rows(database, models.checkpoints)] == [9]
