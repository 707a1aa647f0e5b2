"""Who did what: audit administrators read every entry with the account behind it, page by page, and nobody else does."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from contracts.administration import AdministrationActed, AdministrativeAct
from contracts.rights import ROLES, scopes_of
from services.audit.domain.acts import ACTS
from services.audit.models import db
from services.audit.service import SERVICE
from tests.support import Tokens, deliver, envelope_bytes, told


def feed(say: Any, case_no: str) -> list[str]:
    """A whole case in the ledger; the types of its events in order."""
    events = say.whole_case(case_no)
    for event, producer, caseseq in events:
        source = producer if producer in ("workflow", "documents") else f"department/{producer}"
        deliver(SERVICE, "audit.ledger", envelope_bytes(event, source=source, caseseq=caseseq))
    return [event.TYPE for event, _, _ in events]


def read(client: Any, tokens: Tokens, query: str = "") -> Any:
    answer = client.get(f"/api/v1/journal{query}", headers=tokens.headers("journal:read", kind="audit_admin"))
    assert answer.status_code == 200, answer.text
    return answer.json


def test_every_entry_is_listed_newest_first_with_who_acted(client: Any, tokens: Tokens, say: Any) -> None:
    types = feed(say, say.CASE)
    entries = read(client, tokens)["entries"]
    assert [entry["type"] for entry in entries] == types[::-1]
    assert [entry["seq"] for entry in entries] == list(range(len(types)))[::-1]
    by_type = {entry["type"]: entry for entry in entries}
    submitted = by_type["case.submitted.v1"]
    assert (submitted["actor"], submitted["case_no"], submitted["producer"]) == (
        say.submitted().submitted_by,
        say.CASE,
        "workflow",
    )
    assert by_type["case.closed.v1"]["actor"] is None
    assert by_type["task.received.v1"]["producer"] == "department/police"
    assert all(entry["title"] and entry["title_en"] and entry["time"] for entry in entries)


def test_an_administrative_act_says_what_was_done_to_whom_by_whom(client: Any, tokens: Tokens, say: Any) -> None:
    feed(say, say.CASE)
    act = AdministrationActed(
        act="account.role_changed", by="a-7", on="a-9", before="officer", after="supervisor", reason="transferred"
    )
    deliver(SERVICE, "audit.ledger", envelope_bytes(act, source="identity"))
    newer = AdministrationActed(act="account.of_a_later_release", by="a-7", on="a-9")
    deliver(SERVICE, "audit.ledger", envelope_bytes(newer, source="identity"))
    unknown, known = read(client, tokens, "?acts=true")["entries"]
    assert (known["actor"], known["case_no"], known["title_en"]) == ("a-7", None, "Administrative act")
    assert known["act"] == {
        "code": "account.role_changed",
        "title": "变更角色",
        "title_en": "Role changed",
        "on": "a-9",
        "before": "officer",
        "after": "supervisor",
        "reason": "transferred",
    }
    assert unknown["act"]["title"] == "account.of_a_later_release"
    assert {entry["act"] for entry in read(client, tokens)["entries"][2:]} == {None}


def test_every_act_that_is_told_has_a_title() -> None:
    assert set(ACTS) == set(get_args(AdministrativeAct))


def test_pages_follow_each_other_and_one_case_can_be_asked_for(client: Any, tokens: Tokens, say: Any) -> None:
    other = say.CASE[:-1] + "9"
    count = len(feed(say, say.CASE)) + len(feed(say, other))
    seen, before = [], ""
    while before is not None:
        page = read(client, tokens, f"?limit=4{before}")
        seen += [entry["seq"] for entry in page["entries"]]
        before = None if page["next"] is None else f"&before={page['next']}"
    assert seen == list(range(count))[::-1]
    assert {entry["case_no"] for entry in read(client, tokens, f"?case_no={other}")["entries"]} == {other}
    assert read(client, tokens, "?case_no=none")["entries"] == []


def test_it_shows_nothing_of_what_the_events_are_about(client: Any, tokens: Tokens, say: Any) -> None:
    feed(say, say.CASE)
    assert "张三丰" not in str(read(client, tokens))


@pytest.mark.parametrize("role", [role for role in ROLES if role != "audit_admin"])
def test_nobody_else_reads_it(client: Any, tokens: Tokens, say: Any, role: str) -> None:
    feed(say, say.CASE)
    answer = client.get("/api/v1/journal", headers=tokens.headers(scopes_of(role), kind=role))
    assert (answer.status_code, answer.json["code"]) == (403, "scope_missing")
    assert told(db) == []
