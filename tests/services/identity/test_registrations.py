"""The directory over HTTP: what is told, and what is refused without a trace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openapi_spec_validator import validate

from contracts.administration import AdministrationActed
from contracts.person import DepartmentRegistered, PartyRegistered
from services.identity.models import db
from tests.services.identity.conftest import ADULT, CHILD, EDUCATION, PASSWORD, SCHOOL, SECRET, Counter, everything
from tests.support import told

NOBODY = "00000000-0000-7000-8000-000000000000"
PERSON = {"kind": "person", "name": "林晓芸", "identity_number": ADULT}
ORGANISATION = {"kind": "organisation", "name": "第一小学", "uscc": SCHOOL}
CLIENT = {"client_id": "education-system", "client_secret": SECRET, "department": "education"}
OFFICER = {"username": "officer", "password": PASSWORD, "kind": "officer", "name": "王某", "department": "education"}


def test_a_registered_department_is_told_and_listed(counter: Counter) -> None:
    answer = counter.register("departments", EDUCATION | {"uscc": EDUCATION["uscc"].lower()})
    assert (answer.status_code, answer.json) == (201, EDUCATION)
    assert told(db, DepartmentRegistered) == [DepartmentRegistered(**EDUCATION)]
    [act] = told(db, AdministrationActed)
    assert (act.act, act.by, act.on) == ("department.registered", "p-1", "education")
    assert counter.client.get("/api/v1/departments").json == {"departments": [EDUCATION]}


def test_registered_parties_are_told_with_their_numbers_in_normal_form(counter: Counter) -> None:
    child = counter.person(CHILD.lower(), "林小宝")
    school = counter.organisation()
    assert told(db, PartyRegistered) == [
        PartyRegistered(party_id=child, name="林小宝", code_type="111", code=CHILD),
        PartyRegistered(party_id=school, name="第一小学", code_type="001", code=SCHOOL),
    ]


def test_one_registered_after_the_county_got_its_code_is_a_person_too(counter: Counter) -> None:
    """密云 became a district with code 110118 in 2015; people born before may carry it."""
    assert counter.person("11011819800228001X")


WRONG_NUMBERS = {
    "check digit": ADULT[:-1] + "5",
    "length": ADULT[:-1],
    "30 February": "330000198502300015",
    "born tomorrow": "330000209901010016",
    "no province": "990000198502280010",
    "letters": "33000019850316002x",
    "other digits": "３３００００１９８５０３１６００２６"[:-1] + "\u0665",
    "nothing": "",
    "surrogate": "\\ud800",
}


@pytest.mark.parametrize("number", WRONG_NUMBERS.values(), ids=WRONG_NUMBERS.keys())
def test_a_wrong_identity_number_is_refused_and_not_repeated(counter: Counter, number: str) -> None:
    before = everything()
    answer = counter.register("parties", PERSON | {"identity_number": number})
    assert (answer.status_code, answer.json["code"]) == (422, "identity_number_invalid")
    assert not number or number not in answer.text
    assert everything() == before


WRONG_CODES = ("11339999YX0000016V", "11339999YX0000016", "1133999OYX0000016U", "", "学校")


@pytest.mark.parametrize("code", WRONG_CODES)
def test_a_wrong_credit_code_is_refused(counter: Counter, code: str) -> None:
    before = everything()
    for what, body in (("departments", EDUCATION), ("parties", ORGANISATION)):
        answer = counter.register(what, body | {"uscc": code})
        assert (answer.status_code, answer.json["code"]) == (422, "uscc_invalid")
    assert everything() == before


TAKEN: list[tuple[str, dict[str, Any], str]] = [
    ("departments", EDUCATION | {"uscc": "11339999YX0000024N"}, "department_exists"),
    ("departments", EDUCATION | {"code": "police"}, "department_exists"),
    ("parties", PERSON | {"name": "别人"}, "party_exists"),
    ("parties", ORGANISATION, "party_exists"),
    ("accounts", OFFICER, "account_exists"),
    ("clients", CLIENT | {"client_secret": SECRET + "2"}, "client_exists"),
]


@pytest.mark.parametrize(("what", "body", "code"), TAKEN)
def test_what_is_registered_is_not_registered_again(counter: Counter, what: str, body: Any, code: str) -> None:
    counter.department()
    counter.person()
    counter.organisation()
    for first, content in (("accounts", OFFICER), ("clients", CLIENT)):
        assert counter.register(first, content).status_code == 201
    before = everything()
    answer = counter.register(what, body)
    assert (answer.status_code, answer.json["code"]) == (409, code)
    assert everything() == before


def _account(**fields: Any) -> dict[str, Any]:
    return {"username": "someone", "password": PASSWORD} | fields


MISFITS: list[tuple[dict[str, Any], int, str]] = [
    (_account(kind="person"), 422, "account_invalid"),
    (_account(kind="person", person_id="PERSON", name="另名"), 422, "account_invalid"),
    (_account(kind="person", person_id="PERSON", department="education"), 422, "account_invalid"),
    (_account(kind="person", person_id="SCHOOL"), 422, "account_invalid"),
    (_account(kind="person", person_id="PERSON", party_id="CHILD"), 422, "account_invalid"),
    (_account(kind="person", person_id=NOBODY), 404, "party_unknown"),
    (_account(kind="person", person_id="PERSON", party_id=NOBODY), 404, "party_unknown"),
    (_account(kind="officer", name="王某"), 422, "account_invalid"),
    (_account(kind="officer", name="王某", department="health"), 404, "department_unknown"),
    (_account(kind="supervisor", name="郑某", department="education"), 422, "account_invalid"),
    (_account(kind="supervisor"), 422, "account_invalid"),
    (_account(kind="system_admin", name="吴某", party_id="SCHOOL"), 422, "account_invalid"),
]


@pytest.mark.parametrize(("body", "status", "code"), MISFITS)
def test_an_account_that_does_not_fit_together_is_refused(
    counter: Counter, body: dict[str, Any], status: int, code: str
) -> None:
    counter.department()
    known = {"PERSON": counter.person(), "CHILD": counter.person(CHILD, "林小宝"), "SCHOOL": counter.organisation()}
    before = everything()
    answer = counter.register("accounts", {name: known.get(value, value) for name, value in body.items()})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert everything() == before


def test_a_client_of_an_unknown_department_is_refused(counter: Counter) -> None:
    before = everything()
    answer = counter.register("clients", CLIENT)
    assert (answer.status_code, answer.json["code"]) == (404, "department_unknown")
    assert everything() == before


MALFORMED: list[tuple[str, Any]] = [
    ("departments", EDUCATION | {"code": "Education"}),
    ("departments", EDUCATION | {"code": "e"}),
    ("departments", EDUCATION | {"code": "education\n"}),
    ("departments", EDUCATION | {"code": "d" * 32}),
    ("departments", EDUCATION | {"name": "教育\u0000局"}),
    ("departments", EDUCATION | {"name": ""}),
    ("departments", EDUCATION | {"surplus": 1}),
    ("parties", PERSON | {"uscc": SCHOOL}),
    ("parties", {"kind": "person", "name": "林晓芸", "uscc": SCHOOL}),
    ("parties", PERSON | {"kind": "animal"}),
    ("parties", PERSON | {"identity_number": int(ADULT)}),
    ("parties", PERSON | {"name": "x" * 101}),
    ("accounts", OFFICER | {"password": "short"}),
    ("accounts", OFFICER | {"password": "x" * 129}),
    ("accounts", OFFICER | {"username": "Officer One"}),
    ("accounts", OFFICER | {"kind": "department"}),
    ("accounts", OFFICER | {"person_id": "1; DROP TABLE parties"}),
    ("clients", CLIENT | {"client_secret": "short"}),
    ("clients", CLIENT | {"client_id": "x"}),
    ("clients", []),
]


@pytest.mark.parametrize(("what", "body"), MALFORMED)
def test_malformed_input_is_refused(counter: Counter, what: str, body: Any) -> None:
    counter.department()
    before = everything()
    answer = counter.register(what, body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert everything() == before


def test_a_lone_surrogate_in_a_name_is_malformed_and_no_fault(counter: Counter) -> None:
    body = rb'{"kind":"person","name":"\ud800","identity_number":"%s"}' % ADULT.encode()
    headers = counter.tokens.headers("identity:admin") | {"Idempotency-Key": "1"}
    answer = counter.client.post("/api/v1/parties", data=body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    ("what", "body"), [("departments", EDUCATION), ("parties", PERSON), ("accounts", OFFICER), ("clients", CLIENT)]
)
def test_only_administrators_register_and_each_write_carries_a_key(counter: Counter, what: str, body: Any) -> None:
    counter.department()
    before = everything()
    assert counter.client.post(f"/api/v1/{what}", json=body).status_code == 401
    assert counter.register(what, body, scope="cases:submit tasks:answer catalog:publish").status_code == 403
    unkeyed = counter.client.post(f"/api/v1/{what}", json=body, headers=counter.administrator(what, body))
    assert (unkeyed.status_code, unkeyed.json["code"]) == (400, "idempotency_key_missing")
    assert everything() == before


def test_a_repeated_request_gets_the_first_answer_and_changes_nothing(counter: Counter) -> None:
    counter.department()
    for what, body in (("parties", PERSON), ("accounts", OFFICER), ("clients", CLIENT)):
        first = counter.register(what, body, key=what)
        before = everything()
        again = counter.register(what, body, key=what)
        assert (first.status_code, first.json) == (again.status_code, again.json)
        assert everything() == before
    other = counter.register("parties", PERSON | {"name": "别人"}, key="parties")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert everything() == before


def test_one_party_registered_by_many_at_once_is_one_row_told_once(counter: Counter) -> None:
    def register(number: int) -> int:
        return int(counter.register("parties", PERSON, key=f"race-{number}").status_code)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(register, range(16)))
    assert sorted(statuses) == [201] + [409] * 15
    assert len(everything()["parties"]) == 1
    assert len(told(db, PartyRegistered)) == 1


def test_the_published_description_of_the_api_is_valid_openapi(counter: Counter) -> None:
    document = counter.client.get("/openapi/identity.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert "requestBody" in document["paths"]["/api/v1/tokens/representation"]["post"]
