"""How sure we are of people: what raises a level, what does not, and that every question is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from services.identity.adapters.registers import FileRegisters, NoRegisters, RegistersInvalid
from services.identity.api.people_desk import REGISTERS
from services.identity.domain.assurance import level_after
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, verifications
from tests.services.identity.conftest import ADULT, CHILD, Counter, everything
from tests.services.identity.people import OTHER, registers_file, somebody

DEMO = Path("catalogs/directory/demo.yaml")
VERIFY = "my/verifications"


@pytest.fixture
def registered(counter: Counter, tmp_path: Path) -> Counter:
    counter.runtime.parts[REGISTERS] = FileRegisters(registers_file(tmp_path))
    return counter


def asked() -> list[tuple[Any, ...]]:
    v = verifications.c
    with db.read() as connection:
        rows = connection.execute(
            sa.select(v.register, v.asked, v.answer, v.level_before, v.level_after).order_by(v.verification_id)
        )
        return [tuple(row) for row in rows]


def test_two_items_give_level_three_and_a_third_level_four(registered: Counter) -> None:
    person = somebody(registered)
    assert person.post(VERIFY, {}).json == {"level": 3}
    third = {"third_item": "mobile", "third_value": "13800001234"}
    assert person.post(VERIFY, third).json == {"level": 4}
    assert person.level() == 4
    assert asked() == [
        ("population", ["name", "number"], "match", 2, 3),
        ("population", ["name", "number", "mobile"], "match", 3, 4),
    ]


def test_a_match_of_two_items_does_not_lower_a_level(registered: Counter) -> None:
    person = somebody(registered)
    person.post(VERIFY, {"third_item": "card_valid_until", "third_value": "2035-01-31"})
    assert person.post(VERIFY, {}).json == {"level": 4}


def test_a_wrong_third_item_raises_nothing_and_cannot_be_guessed_at_length(registered: Counter) -> None:
    person = somebody(registered)
    wrong = {"third_item": "mobile", "third_value": "13800009999"}
    for _ in range(5):
        answer = person.post(VERIFY, wrong)
        assert (answer.status_code, answer.json["code"]) == (422, "register_no_match")
    stopped = person.post(VERIFY, wrong | {"third_value": "13800001234"})
    assert (stopped.status_code, stopped.json["code"]) == (429, "too_many_verifications")
    assert person.level() == 2
    assert [answer for _, _, answer, _, _ in asked()] == ["no_match"] * 5


def test_an_absent_register_is_said_and_kept_and_changes_no_level(registered: Counter, tmp_path: Path) -> None:
    person = somebody(registered)
    for away in (NoRegisters(), FileRegisters(registers_file(tmp_path, unavailable=["population"]))):
        registered.runtime.parts[REGISTERS] = away
        answer = person.post(VERIFY, {})
        assert (answer.status_code, answer.json["code"]) == (503, "register_unavailable")
    assert person.level() == 2
    assert [answer for _, _, answer, _, _ in asked()] == ["unavailable"] * 2


def test_an_agent_is_as_sure_as_the_lesser_of_person_and_organisation(registered: Counter) -> None:
    agent = somebody(registered, acts_for=registered.organisation())
    third = {"third_item": "mobile", "third_value": "13800001234"}
    assert agent.post(VERIFY, third).json == {"level": 3}
    wrong = agent.post(VERIFY, third | {"legal_representative": "别人"})
    assert (wrong.status_code, agent.level()) == (422, 3)
    assert agent.post(VERIFY, third | {"legal_representative": "林晓芸"}).json == {"level": 4}
    assert ("enterprise", ["name", "number", "legal_representative"], "match", 3, 4) in asked()


def test_no_value_that_was_asked_about_is_kept(registered: Counter) -> None:
    person = somebody(registered)
    person.post(VERIFY, {"third_item": "mobile", "third_value": "13800001234"})
    assert "13800001234" not in repr(everything())


def test_who_holds_a_post_at_a_counter_today_raises_to_five_and_a_kiosk_to_four(counter: Counter) -> None:
    counter.department()
    person = somebody(counter)
    officer = counter.account("clerk", kind="officer", name="王某", department="education")
    address, basis = f"accounts/{person.account_id}/verifications", {"basis": "身份证原件"}
    staff = {"sub": officer, "kind": "officer", "dept": "education", "scope": "identity:verify"}
    refused = person.post(address, basis, **staff)
    assert (refused.status_code, refused.json["code"], person.level()) == (403, "post_required", 2)
    post = {"code": "window", "name": "综合窗口", "department": "education", "from_on": "2020-01-01"}
    ended = counter.register(f"accounts/{officer}/posts", post | {"until_on": "2020-12-31"})
    assert ended.status_code == 201
    assert person.post(address, basis, **staff).status_code == 403
    counter.register(f"accounts/{officer}/posts", post)
    kiosk = {"sub": "kiosk-1", "kind": "kiosk", "scope": "identity:verify"}
    assert person.post(address, basis, **kiosk).json == {"level": 4}
    assert person.post(address, basis, **staff).json == {"level": 5}
    assert person.post(address, basis, **kiosk).json == {"level": 5}
    admin = counter.tokens.headers("posts:give", kind="security_admin")
    listed = counter.client.get(f"/api/v1/accounts/{officer}/posts", headers=admin).json["posts"]
    assert [(one["code"], one["until_on"]) for one in listed] == [("window", None)]


@pytest.mark.parametrize(
    ("change", "code"),
    [({"department": "police"}, "department_unknown"), ({"until_on": "2019-12-31"}, "post_invalid")],
)
def test_a_post_that_cannot_be_held_is_refused(counter: Counter, change: dict[str, str], code: str) -> None:
    counter.department()
    officer = counter.account("clerk", kind="officer", name="王某", department="education")
    before = everything()["posts"]
    post = {"code": "window", "name": "综合窗口", "department": "education", "from_on": "2020-01-01"}
    assert counter.register(f"accounts/{officer}/posts", post | change).json["code"] == code
    assert everything()["posts"] == before


def test_a_kiosk_signs_in_as_a_kiosk_and_may_take_in_and_verify_and_nothing_else(counter: Counter) -> None:
    counter.department()
    client = {"client_id": "kiosk-1", "client_secret": "a-secret-of-a-kiosk-in-the-hall", "department": "education"}
    assert counter.register("clients", client | {"kind": "kiosk"}).status_code == 201
    grant = {"grant_type": "client_credentials"} | {k: client[k] for k in ("client_id", "client_secret")}
    assert counter.client.post("/oauth2/token", data=grant).json["scope"].split() == [
        "cases:intake",
        "materials:write",
        "identity:verify",
        "parties:match",
    ]


def test_the_register_compares_all_that_it_is_given(tmp_path: Path) -> None:
    registers = FileRegisters(registers_file(tmp_path))
    adult, child = Sensitive(ADULT), Sensitive(CHILD)
    assert registers.person("林晓芸", adult, None) == "match"
    assert registers.person("林晓云", adult, None) == "no_match"
    assert registers.person("周敏", Sensitive(OTHER), ("mobile", Sensitive(""))) == "no_match"
    assert registers.guardian(adult, child) == "match"
    assert registers.guardian(child, adult) == "no_match"
    with pytest.raises(RegistersInvalid) as invalid:
        FileRegisters(registers_file(tmp_path, people=[{"name": "x", "identity_number": ADULT + "1"}]))
    assert ADULT not in str(invalid.value)


@pytest.mark.parametrize(
    ("level", "answer", "third", "after"),
    [
        (2, "match", False, 3),
        (2, "match", True, 4),
        (5, "match", True, 5),
        (3, "no_match", True, 3),
        (2, "unavailable", True, 2),
    ],
)
def test_only_a_match_raises_and_nothing_lowers(level: int, answer: Any, third: bool, after: int) -> None:
    assert level_after(level, answer, third_item=third) == after


def test_the_demonstration_has_registers_that_know_its_people() -> None:
    registers = FileRegisters(DEMO.with_name("registers.yaml"))
    directory = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    for person in directory["people"]:
        assert registers.person(person["name"], Sensitive(person["identity_number"]), None) == "match"
    for one in directory["organisations"]:
        assert registers.organisation(one["name"], one["uscc"], None) == "match"
