"""Who acts for whom: offered, accepted, ended; what the token then says; and children."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock
from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.registers import FileRegisters
from services.identity.api.people_desk import REGISTERS
from services.identity.domain.delegation import end_of, law_date, of_age_on, scopes_alone, scopes_of
from services.identity.models import accounts, db
from services.identity.use_cases.describe_account import describe_account
from services.identity.use_cases.end_sessions import end_whole_session
from services.identity.use_cases.sign_in_sessions import Visit, start_session
from tests.services.identity.conftest import ADULT, CHILD, Counter, everything
from tests.services.identity.people import OTHER, Person, claims_of, registers_file, somebody

ITEM = "11339999YX0000016U4000105035000"
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:tongban:params:token-type:delegation",
}


def terms(**change: Any) -> dict[str, Any]:
    today = law_date(clock.now())
    offered = {
        "name": "周敏",
        "identity_number": OTHER,
        "items": [ITEM],
        "actions": ["submit", "read"],
        "from_on": today.isoformat(),
        "until_on": (today + timedelta(days=30)).isoformat(),
    }
    return offered | change


def offered(grantor: Person, **change: Any) -> str:
    answer = grantor.post("delegations", terms(**change))
    assert answer.status_code == 201, answer.json
    return str(answer.json["delegation_id"])


def exchange(agent: Person, delegation_id: str, **claims: Any) -> Any:
    return agent.post("tokens/representation", EXCHANGE | {"subject_token": delegation_id}, **claims)


def signed_in(counter: Counter, person: Person, **how: Any) -> str:
    """A session of the person's."""
    with db.transaction() as tx:
        session_id, _ = start_session(
            tx,
            counter.desk.vault,
            account_id=person.account_id,
            amr=("pwd",),
            visit=Visit("portal", "", ""),
            earlier=None,
            now=machine_now(),
            **how,
        )
    return session_id


@pytest.fixture
def pair(counter: Counter) -> tuple[Person, Person]:
    """A grantor and a grantee."""
    return somebody(counter), somebody(counter, OTHER, "周敏")


def test_an_accepted_delegation_becomes_a_token_that_names_both(counter: Counter, pair: tuple[Person, Person]) -> None:
    grantor, agent = pair
    delegation_id = offered(grantor)
    assert agent.get("delegations").json["received"][0]["state"] == "offered"
    assert agent.post(f"delegations/{delegation_id}/acceptance").status_code == 200
    with db.transaction() as tx:
        tx.execute(sa.update(accounts).where(accounts.c.account_id == agent.account_id).values(level=4))
    session = signed_in(counter, agent)
    granted = exchange(agent, delegation_id, sid=session, client_id="portal", grant="g-1").json
    assert granted["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    caller = claims_of(counter, granted["access_token"])
    assert (caller.subject, caller.party, caller.name) == (grantor.party_id, grantor.party_id, "林晓芸")
    assert caller.actor is not None
    assert (caller.actor.subject, caller.actor.name) == (agent.account_id, "周敏")
    assert caller.items == frozenset({ITEM})
    submit = {"cases:submit", "appointments:book", "materials:read", "materials:write"}
    assert caller.scopes == submit | {"cases:read", "bundles:read", "trails:read"}
    assert (caller.level, caller.session, granted["expires_in"]) == (4, session, 900)
    assert (caller.client, caller.grant) == ("portal", "g-1"), "it ends with what it came through"


@pytest.mark.parametrize("how", ["signed out", "unknown"])
def test_whose_sign_in_has_ended_represents_nobody(counter: Counter, pair: tuple[Person, Person], how: str) -> None:
    grantor, agent = pair
    delegation_id = offered(grantor)
    assert agent.post(f"delegations/{delegation_id}/acceptance").status_code == 200
    session = signed_in(counter, agent)
    assert exchange(agent, delegation_id, sid=session).status_code == 200
    if how == "signed out":
        with db.transaction() as tx:
            end_whole_session(tx, session, machine_now())
    before = everything()
    refused = exchange(agent, delegation_id, sid=session if how == "signed out" else "s-of-nobody")
    assert (refused.status_code, refused.json["code"]) == (401, "session_ended")
    assert everything() == before


def test_who_came_in_from_outside_represents_no_better_than_the_provider_vouches_for(
    counter: Counter, pair: tuple[Person, Person]
) -> None:
    grantor, agent = pair
    delegation_id = offered(grantor)
    assert agent.post(f"delegations/{delegation_id}/acceptance").status_code == 200
    with db.transaction() as tx:
        tx.execute(sa.update(accounts).where(accounts.c.account_id == agent.account_id).values(level=5))
    session = signed_in(counter, agent, outside="national", level_cap=3)
    assert claims_of(counter, exchange(agent, delegation_id, sid=session).json["access_token"]).level == 3


def test_an_organisation_has_its_agent_and_all_items_when_none_is_named(counter: Counter) -> None:
    chief = somebody(counter, acts_for=counter.organisation())
    agent = somebody(counter, OTHER, "周敏")
    delegation_id = offered(chief, items=None, actions=["withdraw", "receive", "correct"])
    agent.post(f"delegations/{delegation_id}/acceptance")
    [mine] = agent.get("delegations").json["received"]
    assert (mine["kind"], mine["grantor_name"], mine["state"]) == ("agent", "第一小学", "in_force")
    caller = claims_of(counter, exchange(agent, delegation_id).json["access_token"])
    assert (caller.party, caller.items) == (chief.acts_for, None)
    assert caller.scopes == {"cases:withdraw", "cases:correct", "licences:read", "materials:read", "materials:write"}


def test_what_is_not_accepted_cannot_be_used(pair: tuple[Person, Person]) -> None:
    grantor, agent = pair
    answer = exchange(agent, offered(grantor))
    assert (answer.status_code, answer.json["code"]) == (404, "delegation_unknown")


@pytest.mark.parametrize("by", [0, 1])
def test_either_side_ends_it_at_once_and_for_good(pair: tuple[Person, Person], by: int) -> None:
    grantor, agent = pair
    delegation_id = offered(grantor)
    agent.post(f"delegations/{delegation_id}/acceptance")
    assert exchange(agent, delegation_id).status_code == 200
    assert pair[by].post(f"delegations/{delegation_id}/revocation").status_code == 200
    refused = exchange(agent, delegation_id)
    assert (refused.status_code, refused.json["code"]) == (403, "delegation_ended")
    assert agent.post(f"delegations/{delegation_id}/acceptance").json["code"] == "delegation_ended"
    before = everything()["delegations"]
    assert pair[1 - by].post(f"delegations/{delegation_id}/revocation").status_code == 200
    assert everything()["delegations"] == before


def test_it_begins_and_ends_on_its_days_and_no_token_outlives_it(
    pair: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    grantor, agent = pair
    today = law_date(clock.now())
    tomorrow = today + timedelta(days=1)
    delegation_id = offered(grantor, from_on=tomorrow.isoformat(), until_on=tomorrow.isoformat())
    agent.post(f"delegations/{delegation_id}/acceptance")
    assert exchange(agent, delegation_id).json["code"] == "delegation_ended"
    last_minute = end_of(tomorrow) - timedelta(seconds=60)
    monkeypatch.setattr(clock, "now", lambda: last_minute)
    assert exchange(agent, delegation_id).json["expires_in"] == 60
    monkeypatch.setattr(clock, "now", lambda: last_minute + timedelta(seconds=60))
    assert exchange(agent, delegation_id).json["code"] == "delegation_ended"


def test_a_stranger_neither_sees_nor_accepts_nor_uses_nor_ends_it(
    counter: Counter, pair: tuple[Person, Person]
) -> None:
    grantor, agent = pair
    delegation_id = offered(grantor)
    agent.post(f"delegations/{delegation_id}/acceptance")
    stranger = somebody(counter, "330000199001010014", "旁人")
    before = everything()["delegations"]
    assert stranger.get("delegations").json == {"given": [], "received": []}
    for answer in (
        stranger.post(f"delegations/{delegation_id}/acceptance"),
        stranger.post(f"delegations/{delegation_id}/revocation"),
        exchange(stranger, delegation_id),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "delegation_unknown")
    assert everything()["delegations"] == before


def test_an_offer_to_the_right_number_under_another_name_is_nobodys(pair: tuple[Person, Person]) -> None:
    grantor, agent = pair
    delegation_id = offered(grantor, name="周民")
    assert agent.get("delegations").json["received"] == []
    assert agent.post(f"delegations/{delegation_id}/acceptance").status_code == 404


def test_an_offer_says_nothing_about_who_is_registered_and_keeps_no_number(counter: Counter) -> None:
    grantor = somebody(counter)
    delegation_id = offered(grantor)
    assert OTHER not in repr(everything())
    agent = somebody(counter, OTHER, "周敏")
    assert agent.post(f"delegations/{delegation_id}/acceptance").status_code == 200


def _yesterday() -> str:
    return (law_date(clock.now()) - timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"identity_number": ADULT, "name": "林晓芸"}, "delegation_invalid"),
        ({"until_on": "2020-01-01", "from_on": "2019-01-01"}, "delegation_invalid"),
        ({"until_on": "2099-01-01"}, "delegation_invalid"),
        ({"actions": ["decide"]}, "invalid_input"),
        ({"actions": []}, "invalid_input"),
        ({"items": []}, "invalid_input"),
        ({"identity_number": OTHER[:-1] + "0"}, "identity_number_invalid"),
    ],
)
def test_an_offer_that_makes_no_sense_is_refused(counter: Counter, change: dict[str, Any], code: str) -> None:
    grantor = somebody(counter)
    before = everything()
    answer = grantor.post("delegations", terms(**change))
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert everything() == before


def test_a_representative_hands_nothing_on_and_sees_no_personal_data(pair: tuple[Person, Person]) -> None:
    grantor, _agent = pair
    acting = {"act": {"sub": "a-1", "name": "周敏"}, "scope": "data:self delegations:write"}
    before = everything()
    for address, body in (
        ("delegations", terms()),
        ("my/verifications", {}),
        ("my/data-requests", {"kind": "erasure", "details": "x"}),
    ):
        answer = grantor.post(address, body, **acting)
        assert (answer.status_code, answer.json["code"]) == (403, "not_while_representing")
    assert everything() == before


# Children


def test_a_guardian_whom_the_register_knows_acts_for_the_child_until_the_birthday(
    counter: Counter, tmp_path: Path
) -> None:
    counter.runtime.parts[REGISTERS] = FileRegisters(registers_file(tmp_path))
    guardian = somebody(counter)
    child = {"name": "林小宝", "identity_number": CHILD}
    claimed = guardian.post("my/children", child)
    assert claimed.status_code == 201, claimed.json
    assert guardian.post("my/children", child).json == claimed.json
    [one] = guardian.get("delegations").json["received"]
    assert (one["kind"], one["state"], one["until_on"]) == ("guardian", "in_force", "2032-12-31")
    caller = claims_of(counter, exchange(guardian, one["delegation_id"]).json["access_token"])
    assert (caller.name, caller.actor.name) == ("林小宝", "林晓芸")
    ended = guardian.post(f"delegations/{one['delegation_id']}/revocation")
    assert (ended.status_code, ended.json["code"]) == (409, "guardian_by_law")


def test_who_is_no_guardian_gets_no_child(counter: Counter, tmp_path: Path) -> None:
    counter.runtime.parts[REGISTERS] = FileRegisters(registers_file(tmp_path))
    stranger = somebody(counter, OTHER, "周敏")
    answer = stranger.post("my/children", {"name": "林小宝", "identity_number": CHILD})
    assert (answer.status_code, answer.json["code"]) == (422, "register_no_match")
    assert everything()["delegations"] == []
    assert [row[2:] for row in everything()["minors"]] == []
    assert len(everything()["verifications"]) == 1


def test_a_counter_enters_a_guardian_with_the_basis_and_only_for_a_child(counter: Counter) -> None:
    counter.department()
    guardian, child = somebody(counter), counter.person(CHILD, "林小宝")
    officer = counter.account("clerk", kind="officer", name="王某", department="education")
    post = {"code": "window", "name": "综合窗口", "department": "education", "from_on": "2020-01-01"}
    counter.register(f"accounts/{officer}/posts", post)
    staff = {"sub": officer, "kind": "officer", "dept": "education", "scope": "identity:verify"}
    body = {"guardian_id": guardian.party_id, "child_id": child, "basis": "户口簿"}
    assert guardian.post("guardianships", body, **staff).status_code == 201
    assert guardian.get("delegations").json["received"][0]["basis"] == "户口簿"
    swapped = body | {"guardian_id": child, "child_id": guardian.party_id}
    refused = guardian.post("guardianships", swapped, **staff)
    assert (refused.status_code, refused.json["code"]) == (422, "delegation_invalid")
    assert len(everything()["delegations"]) == 1


def test_a_child_applies_for_nothing_alone_and_acts_for_nobody(counter: Counter) -> None:
    grantor, child = somebody(counter), somebody(counter, CHILD, "林小宝")
    with db.read() as connection:
        row = connection.execute(sa.select(accounts).where(accounts.c.account_id == child.account_id)).one()
    caller = claims_of(counter, counter.desk.tokens.issue(describe_account(row))["access_token"])
    assert "cases:read" in caller.scopes
    assert caller.scopes.isdisjoint({"cases:submit", "cases:correct", "cases:withdraw", "delegations:write"})
    delegation_id = offered(grantor, name="林小宝", identity_number=CHILD)
    refused = child.post(f"delegations/{delegation_id}/acceptance")
    assert (refused.status_code, refused.json["code"]) == (403, "minor_alone")


def test_fourteen_years_are_counted_as_the_law_does() -> None:
    from datetime import date

    assert of_age_on(date(2019, 1, 1)) == date(2033, 1, 1)
    assert of_age_on(date(2012, 2, 29)) == date(2026, 3, 1)
    assert scopes_alone("cases:read cases:submit licences:read") == "cases:read licences:read"
    assert scopes_of(["receive", "withdraw"]) == "cases:withdraw licences:read"
