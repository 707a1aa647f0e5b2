"""What we hold of a person: masked, shown for a reason, proved, corrected, erased."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from chassis import clock
from chassis.errors import Refusal
from chassis.workdays import is_working_day
from contracts.case import CaseClosed, CaseSubmitted, CaseWithdrawn
from contracts.person import PartyChanged
from services.identity import queries
from services.identity.adapters.party_keys import number_of
from services.identity.domain.delegation import law_date
from services.identity.domain.masking import (
    masked_address,
    masked_email,
    masked_mobile,
    masked_name,
    masked_number,
)
from services.identity.domain.personal_data import due_on
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db
from services.identity.service import SERVICE
from services.identity.use_cases.keep_contact import send_codes
from tests.services.identity.conftest import ADULT, SCHOOL, Counter, everything
from tests.services.identity.people import OTHER, Person, somebody
from tests.support import deliver, envelope_bytes, told

CASE = "11339999YX0000016U4000105035000202511030001"
STAFF = {"sub": "o-1", "kind": "officer", "dept": "education", "name": "王某"}


def submitted(party_id: str, case_no: str = CASE) -> bytes:
    event = CaseSubmitted(
        case_no=case_no,
        item_code=case_no[:31],
        item_version=1,
        item_name="校车使用许可",
        applicant_id=party_id,
        submitted_by="a-1",
        channel="web",
        materials=(),
        accept_by=date(2025, 11, 10),
    )
    return envelope_bytes(event, source="workflow")


def closed(case_no: str = CASE) -> bytes:
    return envelope_bytes(CaseClosed(case_no=case_no, licence_no="1"), source="workflow")


def hear(*bodies: bytes) -> None:
    deliver(SERVICE, "identity.cases", *bodies)


@pytest.mark.parametrize(
    ("shown", "whole"),
    [
        (masked_name("张三丰"), "张*"),
        (masked_number(ADULT), "330***********0026"),
        (masked_number("12345"), "*****"),
        (masked_mobile("13800001234"), "138****1234"),
        (masked_mobile("05718888"), "******88"),
        (masked_email("zhou.min@example.org"), "z***@example.org"),
        (masked_address("浙江省杭州市西湖区文三路1号"), "浙江省杭州市西湖区***"),
        (masked_address("云溪县人民路2号"), "云溪县***"),
        (masked_address("内蒙古自治区锡林郭勒盟锡林浩特市那达慕大街1号"), "内蒙古自治区锡林郭勒盟锡林浩特市***"),
        (masked_address("人民路2号幸福小区"), "***"),
        (masked_address("幸福小区3栋"), "***"),
    ],
)
def test_what_is_masked_shows_no_more_than_it_may(shown: str, whole: str) -> None:
    assert shown == whole


def test_staff_see_a_party_masked_and_a_companys_code_as_it_is(counter: Counter) -> None:
    person, company = somebody(counter), counter.organisation()
    seen = counter.client.get(f"/api/v1/parties/{person.party_id}", headers=person.headers("parties:read", **STAFF))
    assert seen.json | {"party_id": ""} == {
        "party_id": "",
        "kind": "person",
        "name": "林*",
        "number": "330***********0026",
    }
    public = counter.client.get(f"/api/v1/parties/{company}", headers=person.headers("parties:read", **STAFF))
    assert (public.json["name"], public.json["number"]) == ("第一小学", SCHOOL)


def test_staff_find_who_is_there_by_name_and_number_together(counter: Counter) -> None:
    person, company = somebody(counter), counter.organisation()
    named = {"name": "林晓芸", "number": ADULT}
    found = person.post("parties/matches", named, scope="parties:match", **STAFF)
    assert (found.status_code, found.json["party_id"], found.json["number"]) == (
        200,
        person.party_id,
        masked_number(ADULT),
    )
    school = person.post(
        "parties/matches", {"name": "第一小学", "number": SCHOOL.lower()}, scope="parties:match", **STAFF
    )
    assert school.json["party_id"] == company
    for half in (named | {"name": "周敏"}, named | {"number": OTHER}):
        answer = person.post("parties/matches", half, scope="parties:match", **STAFF)
        assert (answer.status_code, answer.json["code"]) == (404, "party_not_matched")
    assert person.post("parties/matches", named).json["code"] == "scope_missing"


def test_a_number_is_shown_for_a_case_that_runs_and_its_owner_sees_who_and_why(counter: Counter) -> None:
    person = somebody(counter)
    hear(submitted(person.party_id))
    address, body = f"parties/{person.party_id}/reveals", {"case_no": CASE, "reason": "核对户籍"}
    shown = person.post(address, body, scope="parties:reveal", **STAFF)
    assert shown.json == {"number": ADULT}
    assert shown.headers["Cache-Control"] == "no-store"
    [seen] = person.get("my/disclosures").json["disclosures"]
    assert (seen["seen_by_name"], seen["department"], seen["reason"]) == ("王某", "education", f"{CASE}：核对户籍")


def test_without_a_case_or_a_reason_nothing_is_shown_and_nothing_kept(counter: Counter) -> None:
    person, other = somebody(counter), somebody(counter, OTHER, "周敏")
    hear(submitted(other.party_id), submitted(person.party_id, CASE[:-1] + "2"), closed(CASE[:-1] + "2"))
    address = f"parties/{person.party_id}/reveals"
    for body, code in (
        ({"case_no": CASE, "reason": "好奇"}, "reveal_without_case"),
        ({"case_no": CASE[:-1] + "2", "reason": "好奇"}, "reveal_without_case"),
        ({"case_no": CASE, "reason": ""}, "invalid_input"),
    ):
        answer = person.post(address, body, scope="parties:reveal", **STAFF)
        assert answer.json["code"] == code
        assert ADULT not in answer.text
    assert person.post(address, {"case_no": CASE, "reason": "好奇"}).json["code"] == "scope_missing"
    assert everything()["disclosures"] == []


def test_beginnings_and_ends_of_cases_pair_up_in_any_order(counter: Counter) -> None:
    withdrawn = envelope_bytes(CaseWithdrawn(case_no=CASE[:-1] + "3", reason=""), source="workflow")
    hear(closed(), submitted("p-1"))
    assert everything()["running_cases"] == []
    hear(withdrawn)
    hear(submitted("p-1", CASE[:-1] + "3"), submitted("p-1", CASE[:-1] + "4"))
    assert everything()["running_cases"] == [(CASE[:-1] + "4", "p-1")]


# Contacts


def sent_to(counter: Counter) -> list[tuple[str, str, str]]:
    taken: list[tuple[str, str, str]] = []

    def send(kind: Any, address: Sensitive, code: Sensitive) -> bool:
        taken.append((kind, address.reveal(), code.reveal()))
        return True

    send_codes(counter.desk.vault, send)
    return taken


def test_a_contact_is_in_force_when_its_code_has_come_back(counter: Counter) -> None:
    person = somebody(counter)
    changed = person.put("my/contacts/mobile", {"address": "13800001234"})
    assert (changed.status_code, changed.json["contacts"][0]["address"]) == (202, None)
    assert queries.contacts_of(counter.desk.vault, person.party_id) == {}
    [(kind, address, code)] = sent_to(counter)
    assert (kind, address, sent_to(counter)) == ("mobile", "13800001234", [])
    assert person.post("my/contacts/mobile/confirmation", {"code": code}).status_code == 200
    proved = queries.contacts_of(counter.desk.vault, person.party_id)
    assert {kind: text.reveal() for kind, text in proved.items()} == {"mobile": "13800001234"}
    stored = repr(everything())
    assert "13800001234" not in stored
    assert code not in stored
    deleted = counter.client.delete("/api/v1/my/contacts/mobile", headers=person.headers())
    assert (deleted.status_code, everything()["contacts"]) == (204, [])


def test_a_code_is_good_for_five_tries_and_ten_minutes(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    person, now = somebody(counter), clock.now()
    person.put("my/contacts/email", {"address": "lin@example.org"})
    [(_, _, code)] = sent_to(counter)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        assert person.post("my/contacts/email/confirmation", {"code": wrong}).json["code"] == "contact_code_wrong"
    assert person.post("my/contacts/email/confirmation", {"code": code}).json["code"] == "contact_code_wrong"
    assert person.put("my/contacts/email", {"address": "lin@example.org"}).json["code"] == "code_too_soon"
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=2))
    person.put("my/contacts/email", {"address": "lin@example.org"})
    [(_, _, again)] = sent_to(counter)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=13))
    assert person.post("my/contacts/email/confirmation", {"code": again}).json["code"] == "contact_code_wrong"
    assert queries.contacts_of(counter.desk.vault, person.party_id) == {}


def test_a_sender_that_is_away_gets_the_code_later(counter: Counter) -> None:
    somebody(counter).put("my/contacts/mobile", {"address": "13800001234"})
    assert send_codes(counter.desk.vault, lambda *_: False) == 0
    assert len(sent_to(counter)) == 1


@pytest.mark.parametrize(("kind", "address"), [("mobile", "12345678901"), ("email", "nobody"), ("email", "a@b\n.org")])
def test_what_is_no_address_is_refused(counter: Counter, kind: str, address: str) -> None:
    person = somebody(counter)
    assert person.put(f"my/contacts/{kind}", {"address": address}).json["code"] == "contact_invalid"
    assert everything()["contacts"] == []


# Requests


def decided(counter: Counter, request_id: str, **body: Any) -> Any:
    headers = counter.tokens.headers("data:decide", sub="d-1", kind="system_admin")
    key = {"Idempotency-Key": f"k-{next(counter.keys)}"}
    return counter.client.post(f"/api/v1/data-requests/{request_id}/decision", json=body, headers=headers | key)


def asked(person: Person, kind: str) -> Any:
    answer = person.post("my/data-requests", {"kind": kind, "details": "我的名字写错了"})
    assert answer.status_code == 201, answer.json
    return answer.json


def test_a_request_has_its_clock_and_is_decided_once_with_a_reason(counter: Counter) -> None:
    person = somebody(counter)
    made = asked(person, "correction")
    assert made["due_on"] == due_on(law_date(clock.now()), 15, is_working_day).isoformat()
    waiting = counter.client.get("/api/v1/data-requests", headers=counter.tokens.headers("data:decide"))
    [one] = waiting.json["requests"]
    assert (one["details"], one["overdue"]) == ("我的名字写错了", False)
    assert person.post("my/data-requests", {"kind": "correction", "details": "x"}).json["code"] == "request_open"
    assert decided(counter, made["request_id"], granted=True, reason="属实").json["code"] == "correction_missing"
    assert decided(counter, made["request_id"], granted=True, reason="属实", name="林晓云").status_code == 200
    assert told(db, PartyChanged) == [PartyChanged(party_id=person.party_id, revision=1, name="林晓云")]
    [mine] = person.get("my/data-requests").json["requests"]
    assert (mine["state"], mine["reason"]) == ("granted", "属实")
    again = decided(counter, made["request_id"], granted=False, reason="不属实")
    assert (again.status_code, again.json["code"]) == (409, "request_decided")
    assert person.get("my/data").json["party"]["name"] == "林晓云"


@pytest.mark.parametrize(
    ("asked_on", "last_day"),
    [(date(2025, 3, 3), date(2025, 3, 24)), (date(2025, 9, 24), date(2025, 10, 21))],
    ids=["plain weeks", "National Day, with its working weekends"],
)
def test_fifteen_working_days_do_not_count_holidays(asked_on: date, last_day: date) -> None:
    assert due_on(asked_on, 15, is_working_day) == last_day


def test_nothing_is_erased_while_a_case_runs_and_that_is_recorded(counter: Counter) -> None:
    person = somebody(counter)
    early = asked(person, "erasure")
    hear(submitted(person.party_id))
    before = everything()["parties"]
    refused = decided(counter, early["request_id"], granted=True, reason="本人请求")
    assert (refused.status_code, refused.json["code"]) == (409, "case_running")
    assert decided(counter, early["request_id"], granted=False, reason="档案法要求保存").status_code == 200
    late = asked(person, "erasure")
    assert (late["state"], late["request_id"] != early["request_id"]) == ("refused", True)
    assert [one["state"] for one in person.get("my/data-requests").json["requests"]] == ["refused", "refused"]
    assert everything()["parties"] == before


def test_erasure_destroys_the_key_and_leaves_nothing_to_find(counter: Counter) -> None:
    person, other = somebody(counter), somebody(counter, OTHER, "周敏")
    person.put("my/contacts/mobile", {"address": "13800001234"})
    offer = {
        "name": "周敏",
        "identity_number": OTHER,
        "actions": ["read"],
        "from_on": "2025-01-01",
        "until_on": (law_date(clock.now()) + timedelta(days=9)).isoformat(),
    }
    delegation = person.post("delegations", offer).json["delegation_id"]
    other.post(f"delegations/{delegation}/acceptance")
    made = asked(person, "erasure")
    assert decided(counter, made["request_id"], granted=True, reason="本人请求").status_code == 200
    with db.read() as connection, pytest.raises(Refusal, match="party_erased"):
        number_of(connection, counter.desk.vault, person.party_id)
    state = everything()
    index = counter.desk.vault.keyed_hash("111", Sensitive(ADULT))
    rest = repr({name: rows for name, rows in state.items() if name != "outbox"})
    assert "林晓芸" not in rest
    assert index not in rest
    assert state["contacts"] == []
    assert other.get("delegations").json["received"][0]["state"] == "revoked"
    assert told(db, PartyChanged) == [PartyChanged(party_id=person.party_id, revision=1, name=None)]
    refused = person.put("my/contacts/mobile", {"address": "13800001234"})
    assert (refused.status_code, refused.json["code"]) == (410, "party_erased")
    fresh = counter.person(ADULT, "林晓芸")
    assert fresh != person.party_id


def test_an_export_holds_all_that_is_known_and_nothing_of_others(counter: Counter) -> None:
    person = somebody(counter)
    somebody(counter, OTHER, "周敏")
    person.put("my/contacts/email", {"address": "lin@example.org"})
    hear(submitted(person.party_id))
    person.post(
        f"parties/{person.party_id}/reveals",
        {"case_no": CASE, "reason": "核对户籍"},
        scope="parties:reveal",
        **STAFF,
    )
    asked(person, "correction")
    answer = person.get("my/data")
    held = answer.json
    assert (held["party"]["number"], held["party"]["name"]) == (ADULT, "林晓芸")
    assert held["contacts"][0]["pending"] == "lin@example.org"
    assert [len(held[part]) for part in ("accounts", "disclosures", "requests")] == [1, 1, 1]
    assert OTHER not in answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
