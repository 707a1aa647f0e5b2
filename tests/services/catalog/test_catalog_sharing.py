"""The information-sharing catalogue: publish, apply, answer within ten working days, use, end; every step on the ledger."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from chassis import clock
from contracts.sharing import (
    ResourcePublished,
    ResourceWithdrawn,
    SharedDataUsed,
    SharingEnded,
    SharingGranted,
    SharingOverdue,
    SharingRefused,
    SharingRequested,
)
from services.catalog.domain.sharing import answer_due
from services.catalog.jobs import note_silence
from services.catalog.models import db, sharing_applications
from tests.services.catalog.conftest import Publisher
from tests.support import Tokens, told

CODE = "307009/000012"
SCOPES = "sharing:read sharing:publish sharing:apply sharing:answer sharing:end sharing:use sharing_applications:read"
RESOURCE = {
    "name": "儿童预防接种信息", "name_en": "Vaccination of children", "summary": "本县儿童接种记录", "summary_en": "Records",
    "format": "3", "way": "service", "update_cycle": "daily", "sharing_type": "2", "conditions": "仅用于入学核验",
    "fields": [
        {"code": name, "name": name, "name_en": name, "type": "C"} for name in ("child_id_no", "vaccine", "given_on")
    ],
}  # fmt: skip


class Departments:
    """Officers of several departments at work on the API."""

    def __init__(self, client: FlaskClient, tokens: Tokens, item_code: str) -> None:
        self.client, self.item_code = client, item_code
        self._tokens = tokens
        self._count = 0

    def ask(
        self, department: str, method: str, path: str, body: Any = None, *, key: str = "", kind: str = "officer"
    ) -> Any:
        self._count += 1
        headers = self._tokens.headers(SCOPES, sub=f"{kind}-{department}", kind=kind, dept=department)
        headers["Idempotency-Key"] = key or f"k-{self._count}"
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=headers)

    def publish(self, department: str = "health", code: str = CODE, **changes: Any) -> Any:
        return self.ask(department, "PUT", f"/shared-resources/{code}", RESOURCE | changes)

    def apply(self, department: str = "education", **changes: Any) -> Any:
        body = {
            "resource_code": CODE,
            "item_code": self.item_code,
            "purpose": "核验",
            "fields": ["vaccine", "given_on"],
        }
        return self.ask(department, "POST", "/sharing-applications", body | changes)

    def applied(self) -> str:
        answer = self.apply()
        assert (answer.status_code, answer.json["state"]) == (201, "open")
        return str(answer.json["application_id"])

    def answer(self, application_id: str, department: str = "health", **body: Any) -> Any:
        return self.ask(department, "POST", f"/sharing-applications/{application_id}/answer", body)

    def use(self, application_id: str, department: str = "education", **changes: Any) -> Any:
        body = {"case_no": f"{self.item_code}202611260001", "fields": ["vaccine"]} | changes
        return self.ask(department, "POST", f"/sharing-applications/{application_id}/uses", body)

    def granted(self) -> str:
        application_id = self.applied()
        done = self.answer(application_id, grant=True, fields=["vaccine", "given_on"])
        assert (done.status_code, done.json["state"]) == (200, "granted")
        return application_id

    def state(self, application_id: str) -> str:
        shown = self.ask("education", "GET", f"/sharing-applications/{application_id}")
        return str(shown.json["state"])


@pytest.fixture
def world(
    publisher: Publisher, client: FlaskClient, tokens: Tokens, departments: None, school_bus: dict[str, Any]
) -> Departments:
    """The bus item is published; health offers its resource."""
    assert publisher.publish(school_bus).status_code == 201
    made = Departments(client, tokens, school_bus["item_code"])
    assert made.publish().json == {"resource_code": CODE, "version": 1}
    return made


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text


def test_a_department_publishes_changes_and_withdraws_its_resource(world: Departments) -> None:
    assert world.publish().json["version"] == 1  # the same words
    assert world.publish(update_cycle="weekly").json["version"] == 2
    refused(world.publish("police"), 409, "resource_of_other")
    refused(
        world.ask("police", "POST", f"/shared-resources/{CODE}/withdrawal", {"reason": "x"}), 404, "resource_not_found"
    )
    shown = world.ask("police", "GET", f"/shared-resources/{CODE}").json
    assert (shown["provider"], shown["version"], shown["update_cycle"]) == ("health", 2, "weekly")
    assert world.ask("health", "POST", f"/shared-resources/{CODE}/withdrawal", {"reason": "整合"}).status_code == 200
    refused(world.publish(), 409, "resource_withdrawn")
    assert world.ask("police", "GET", "/shared-resources").json["resources"] == []
    assert [(e.version, e.fields) for e in told(db, ResourcePublished)] == [
        (n, ("child_id_no", "vaccine", "given_on")) for n in (1, 2)
    ]
    assert [e.reason for e in told(db, ResourceWithdrawn)] == ["整合"]


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"sharing_type": "3"}, ["sharing_law_missing"]),
        ({"sharing_type": "3", "law": "某法", "open_to_public": True}, ["sharing_open_not_shared"]),
        ({"conditions": " "}, ["sharing_conditions_missing"]),
        ({"fields": []}, ["resource_fields_missing"]),
        (
            {"fields": RESOURCE["fields"][:1] * 2, "conditions": ""},
            ["resource_field_repeated", "sharing_conditions_missing"],
        ),
        ({"code": "07/1"}, ["resource_code_invalid"]),
    ],
    ids=str,
)
def test_a_resource_that_breaks_the_rules_is_refused_with_every_problem(
    world: Departments, changes: dict[str, Any], problems: list[str]
) -> None:
    answer = world.publish(**changes)
    refused(answer, 422, "resource_invalid")
    assert [problem["code"] for problem in answer.json["problems"]] == problems
    assert len(told(db, ResourcePublished)) == 1


def test_resources_are_listed_by_provider_type_and_words(world: Departments) -> None:
    assert world.publish("police", "101001/1", name="户籍信息", sharing_type="1").status_code == 200
    for query, codes in (
        ("", ["101001/1", CODE]),
        ("?provider=health", [CODE]),
        ("?sharing_type=1", ["101001/1"]),
        ("?q=接种", [CODE]),
        ("?page_size=1", ["101001/1"]),
        ("?page_size=1&after=101001/1", [CODE]),
    ):
        found = world.ask("education", "GET", f"/shared-resources{query}").json["resources"]
        assert [one["resource_code"] for one in found] == codes, query


def test_a_conditional_resource_waits_for_the_providers_answer(world: Departments) -> None:
    application_id = world.applied()
    [asked] = told(db, SharingRequested)
    assert (asked.provider, asked.department, asked.fields) == ("health", "education", ("vaccine", "given_on"))
    refused(world.use(application_id), 409, "grant_not_in_force")
    refused(world.answer(application_id, "police", grant=True, fields=["vaccine"]), 404, "application_not_found")
    refused(world.answer(application_id, grant=True, fields=["vaccine", "child_id_no"]), 422, "fields_beyond")
    refused(world.answer(application_id, grant=True, fields=["vaccine"]), 422, "reason_missing")
    assert (world.state(application_id), told(db, SharingGranted)) == ("open", [])
    assert world.answer(application_id, grant=True, fields=["vaccine"], reason="日期非必需").json["state"] == "granted"
    [granted] = told(db, SharingGranted)
    assert (granted.fields, granted.reason) == (("vaccine",), "日期非必需")
    refused(world.answer(application_id, grant=False, reason="反悔"), 409, "application_state")


def test_what_is_shared_without_conditions_is_granted_at_once(world: Departments) -> None:
    assert world.publish(sharing_type="1").status_code == 200
    answer = world.apply()
    assert answer.json["state"] == "granted"
    assert [e.fields for e in told(db, SharingGranted)] == [("vaccine", "given_on")]
    assert world.use(answer.json["application_id"]).status_code == 201


def test_a_refusal_owes_a_reason(world: Departments) -> None:
    application_id = world.applied()
    refused(world.answer(application_id, grant=False), 422, "reason_missing")
    assert world.state(application_id) == "open"
    assert world.answer(application_id, grant=False, reason="与事项无关").json["state"] == "refused"
    assert [e.reason for e in told(db, SharingRefused)] == ["与事项无关"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"resource_code": "999999/9"}, 404, "resource_not_found"),
        ({"item_code": "11339999YX0000016U4002005024000"}, 404, "item_not_found"),
        ({"fields": ["blood_type"]}, 422, "fields_unknown"),
        ({"department": "housing"}, 422, "item_not_of_department"),
        ({"department": "health"}, 409, "resource_own"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_application_without_ground_is_refused(
    world: Departments, changes: dict[str, Any], status: int, code: str
) -> None:
    refused(world.apply(**changes), status, code)
    assert told(db, SharingRequested) == []


def test_what_is_not_shared_can_be_neither_applied_for_nor_used_any_more(world: Departments) -> None:
    application_id = world.granted()
    assert world.publish(sharing_type="3", law="《某某法》第一条").status_code == 200
    refused(world.apply(), 409, "resource_not_shared")
    refused(world.use(application_id), 409, "resource_not_shared")
    assert (len(told(db, SharingRequested)), told(db, SharedDataUsed)) == (1, [])


def test_every_use_of_a_grant_is_recorded_and_bounded_by_it(world: Departments) -> None:
    application_id = world.granted()
    refused(world.use(application_id, fields=["child_id_no"]), 422, "fields_beyond")
    refused(world.use(application_id, case_no="11339999YX0000016U4002005024000202611260001"), 422, "case_of_other_item")
    refused(world.use(application_id, "health"), 404, "application_not_found")
    assert told(db, SharedDataUsed) == []
    assert world.use(application_id).status_code == 201
    [used] = told(db, SharedDataUsed)
    assert (used.department, used.for_case[-4:], used.fields) == ("education", "0001", ("vaccine",))
    shown = world.ask("health", "GET", f"/sharing-applications/{application_id}").json
    assert [(use["by"], use["fields"]) for use in shown["uses"]] == [("officer-education", ["vaccine"])]


def test_a_use_that_is_told_twice_is_recorded_once(world: Departments) -> None:
    application_id = world.granted()
    body = {"case_no": f"{world.item_code}202611260001", "fields": ["vaccine"]}
    path = f"/sharing-applications/{application_id}/uses"
    first, again = (world.ask("education", "POST", path, body, key="same", kind="department") for _ in range(2))
    assert first.json == again.json
    assert len(told(db, SharedDataUsed)) == 1


@pytest.mark.parametrize(("who", "state"), [("education", "withdrawn"), ("health", None), ("police", None)])
def test_only_the_applicant_withdraws_what_is_open(world: Departments, who: str, state: str | None) -> None:
    application_id = world.applied()
    answer = world.ask(who, "POST", f"/sharing-applications/{application_id}/end", {"reason": "不再需要"})
    assert world.state(application_id) == (state or "open")
    assert (answer.status_code == 200) == (state is not None)
    assert len(told(db, SharingEnded)) == (state is not None)


@pytest.mark.parametrize("who", ["education", "health"])
def test_either_side_ends_a_grant(world: Departments, who: str) -> None:
    application_id = world.granted()
    ended = world.ask(who, "POST", f"/sharing-applications/{application_id}/end", {"reason": "制度调整"})
    assert ended.json["state"] == "ended"
    refused(world.use(application_id), 409, "grant_not_in_force")
    assert [(e.by, e.reason) for e in told(db, SharingEnded)] == [(who, "制度调整")]


def test_applications_are_seen_by_both_sides_and_supervision_only(world: Departments) -> None:
    application_id = world.applied()
    seen = {
        who: len(world.ask(who, "GET", "/sharing-applications?state=open", kind=kind).json["applications"])
        for who, kind in (("education", "officer"), ("health", "department"), ("police", "officer"), ("", "supervisor"))
    }
    assert seen == {"education": 1, "health": 1, "police": 0, "": 1}
    refused(world.ask("police", "GET", f"/sharing-applications/{application_id}"), 404, "application_not_found")


def test_silence_is_flagged_once_and_is_no_consent(world: Departments) -> None:
    application_id = world.applied()
    note_silence()
    assert told(db, SharingOverdue) == []
    with db.transaction() as tx:  # as if the days had gone by
        tx.execute(sa.update(sharing_applications).values(answer_due=clock.now().date() - timedelta(days=2)))
    note_silence()
    note_silence()
    [overdue] = told(db, SharingOverdue)
    assert (overdue.application_id, overdue.provider) == (application_id, "health")
    refused(world.use(application_id), 409, "grant_not_in_force")
    assert world.answer(application_id, grant=True, fields=["vaccine", "given_on"]).json["state"] == "granted"


@pytest.mark.parametrize(
    ("applied", "due"),
    [
        (date(2026, 11, 26), date(2026, 12, 10)),  # a Thursday: two weekends
        (date(2026, 9, 24), date(2026, 10, 15)),  # 中秋 and 国庆 between, with the Saturdays and Sundays worked instead
    ],
    ids=str,
)
def test_the_answer_is_due_in_ten_working_days_without_the_first(applied: date, due: date) -> None:
    from chassis.workdays import is_working_day

    assert sum(is_working_day(applied + timedelta(days=n)) for n in range(1, (due - applied).days + 1)) == 10
    assert answer_due(applied, is_working_day) == due
