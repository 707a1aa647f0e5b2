"""Bad input and races: a clear refusal with a stable code, and nothing changed."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey

from contracts.case import Defect
from contracts.task import OpinionGiven, OpinionRefused
from services.workflow.models import db
from services.workflow.service import SERVICE
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, assert_refused, assert_refused_and_told, everything, together
from tests.support import deliver, envelope_bytes, told


def foreign_key() -> ECKey:
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"})
    key.ensure_kid()
    return key


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda d: {"item_code": "X" * 31, "materials": []}, 404, "item_unknown"),
        (lambda d: {"item_code": "short"}, 422, "invalid_input"),
        (lambda d: {"item_version": 9}, 409, "item_version_superseded"),
        (lambda d: {"form": {"plate": "鲁"}}, 422, "form_invalid"),
        (lambda d: {"form": {"plate": "鲁A12345", "extra": 1}}, 422, "form_invalid"),
        (lambda d: {"form": {}}, 422, "form_invalid"),
        (lambda d: {"form": {"plate": "鲁A12345\x00"}}, 422, "form_invalid"),
        (lambda d: {"materials": []}, 422, "material_missing"),
        (lambda d: {"materials": [d.receipt("application"), d.receipt("diploma")]}, 422, "material_not_in_guide"),
        (lambda d: {"materials": [d.receipt("application"), d.receipt("application")]}, 422, "material_doubled"),
        (lambda d: {"materials": ["not-a-receipt"]}, 422, "material_receipt_invalid"),
        (lambda d: {"materials": [d.receipt("application", key=foreign_key())]}, 422, "material_receipt_invalid"),
        (lambda d: {"materials": [d.receipt("application", owner="org-2")]}, 403, "material_of_another_owner"),
        (lambda d: {"materials": [d.receipt("application", item_code="Y" * 31)]}, 422, "material_for_another_item"),
        (lambda d: {"channel": "pigeon"}, 422, "invalid_input"),
        (lambda d: {"surprise": True}, 422, "invalid_input"),
    ],
)
def test_application_that_does_not_fit_is_refused(desk: Desk, change: Any, status: int, code: str) -> None:
    before = everything()
    assert_refused(desk.submit(**change(desk)), status, code, before)


def test_retired_item_is_refused(desk: Desk) -> None:
    desk.retire()
    before = everything()
    assert_refused(desk.submit(), 409, "item_retired", before)


def test_running_case_keeps_the_version_it_was_submitted_under(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.publish(make_item(version=2, opinions=("police",)))
    desk.agree(case_no, ("education", "accept"))
    assert len(desk.open_tasks("transport")) == 1
    assert desk.show(case_no)["item_version"] == 1


def test_request_without_token_scope_or_key_is_refused(desk: Desk) -> None:
    before = everything()
    body = {"item_code": ITEM_CODE, "form": {"plate": "鲁A12345"}, "materials": []}
    assert_refused(desk.client.post("/api/v1/cases", json=body), 401, "token_missing", before)
    assert_refused(
        desk.client.post("/api/v1/cases", json=body, headers=desk.tokens.headers("cases:read")),
        403,
        "scope_missing",
        before,
    )
    assert_refused(
        desk.client.post("/api/v1/cases", json=body, headers=desk.citizen()), 400, "idempotency_key_missing", before
    )


def test_same_key_gives_the_same_case_and_another_body_is_refused(desk: Desk) -> None:
    materials = [desk.receipt("application")]
    first = desk.submit(key="once", materials=materials)
    before = everything()
    again = desk.submit(key="once", materials=materials)
    assert again.json == first.json
    assert everything() == before
    other = desk.submit(key="once", materials=materials, form={"plate": "鲁B99999"})
    assert_refused(other, 422, "idempotency_key_reused", before)


def test_another_persons_case_cannot_be_seen_corrected_or_withdrawn(desk: Desk) -> None:
    case_no = desk.new_case()
    before = everything()
    stranger = desk.citizen(sub="p-9", party="p-9")
    assert_refused(desk.client.get(f"/api/v1/cases/{case_no}", headers=stranger), 404, "not_found", before)
    write = stranger | {"Idempotency-Key": "x"}
    for path, body in (
        ("withdrawal", {"reason": "x"}),
        ("corrections", {"materials": [desk.receipt("application", owner="p-9")]}),
    ):
        assert_refused(
            desk.client.post(f"/api/v1/cases/{case_no}/{path}", json=body, headers=write), 404, "not_found", before
        )
    assert desk.client.get("/api/v1/cases", headers=stranger).json["cases"] == []


def test_opinion_on_another_departments_task_is_refused(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"))
    before = everything()
    task_id = f"{case_no}-police_opinion-1"
    assert_refused(desk.answer("transport", task_id), 403, "task_of_another_department", before)
    assert_refused(desk.answer("ministry_of_magic", task_id), 403, "task_of_another_department", before)


def test_unknown_tasks_are_refused(desk: Desk) -> None:
    case_no = desk.new_case()
    before = everything()
    for task_id in ("nonsense", f"{case_no}-police_opinion-1", f"{case_no}-accept-2", "a-b-c-d"):
        assert_refused(desk.answer("education", task_id), 404, "task_unknown", before)


def test_second_opinion_is_refused(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"))
    before = everything()
    assert_refused(
        desk.answer("education", f"{case_no}-accept-1", "disagree", reason="改主意"),
        409,
        "opinion_already_given",
        before,
    )


@pytest.mark.parametrize(
    ("verdict", "body", "code"),
    [
        ("disagree", {}, "reason_required"),
        ("disagree", {"reason": "   "}, "reason_required"),
        ("correction_needed", {}, "defects_required"),
        ("correction_needed", {"defects": [{"material_code": "diploma", "problem": "缺"}]}, "material_not_in_guide"),
        ("maybe", {}, "invalid_input"),
    ],
)
def test_opinion_without_what_it_needs_is_refused(desk: Desk, verdict: str, body: dict[str, Any], code: str) -> None:
    case_no = desk.new_case()
    before = everything()
    check = assert_refused_and_told if code == "material_not_in_guide" else assert_refused
    check(desk.answer("education", f"{case_no}-accept-1", verdict, **body), 422, code, before)


def test_decision_and_delivery_take_no_correction(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(
        case_no,
        ("education", "accept"),
        ("police", "police_opinion"),
        ("transport", "transport_opinion"),
        ("education", "examine"),
    )
    defects = [{"material_code": "application", "problem": "缺页"}]
    before = everything()
    answer = desk.answer("county_government", f"{case_no}-decide-1", "correction_needed", defects=defects)
    assert_refused(answer, 422, "verdict_not_allowed", before)
    desk.agree(case_no, ("county_government", "decide"))
    before = everything()
    assert_refused(
        desk.answer("police", f"{case_no}-plate-1", "disagree", reason="不发"), 422, "verdict_not_allowed", before
    )


def test_opinion_on_a_withdrawn_case_is_refused(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"))
    headers = desk.citizen() | {"Idempotency-Key": "w"}
    desk.client.post(f"/api/v1/cases/{case_no}/withdrawal", json={"reason": "不办了"}, headers=headers)
    before = everything()
    assert_refused(desk.answer("police", f"{case_no}-police_opinion-1"), 409, "case_withdrawn", before)
    assert desk.open_tasks("police") == []


def test_opinion_after_the_case_was_not_accepted_comes_too_late(desk: Desk) -> None:
    desk.publish(make_item(version=2))
    case_no = desk.new_case()
    desk.answer("education", f"{case_no}-accept-1", "disagree", reason="不属于本机关职权")
    before = everything()
    assert_refused(desk.answer("police", f"{case_no}-police_opinion-1"), 404, "task_unknown", before)
    assert_refused(desk.answer("education", f"{case_no}-accept-1"), 409, "opinion_already_given", before)


def test_decided_case_cannot_be_withdrawn(desk: Desk) -> None:
    case_no = desk.new_case()
    steps = (
        ("education", "accept"),
        ("police", "police_opinion"),
        ("transport", "transport_opinion"),
        ("education", "examine"),
    )
    desk.agree(case_no, *steps, ("county_government", "decide"))
    before = everything()
    headers = desk.citizen() | {"Idempotency-Key": "w"}
    answer = desk.client.post(f"/api/v1/cases/{case_no}/withdrawal", json={"reason": "晚了"}, headers=headers)
    assert_refused(answer, 409, "move_not_allowed", before)


def test_opinion_over_the_bus_that_does_not_count_is_told_back_and_changes_nothing_else(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"))
    before = everything()
    given = OpinionGiven(task_id=f"{case_no}-police_opinion-1", verdict="agree")
    for source in ("department/transport", "police", "department/"):
        deliver(SERVICE, "workflow.opinions", envelope_bytes(given, source=source))
    deliver(
        SERVICE,
        "workflow.opinions",
        envelope_bytes(OpinionGiven(task_id="nonsense", verdict="agree"), source="department/police"),
    )
    refused = told(db, OpinionRefused)
    assert [(r.department, r.code) for r in refused] == [
        ("transport", "task_of_another_department"),
        ("", "task_of_another_department"),
        ("", "task_of_another_department"),
        ("police", "task_unknown"),
    ]
    after = everything()
    assert {k: v for k, v in after.items() if k != "outbox"} == {k: v for k, v in before.items() if k != "outbox"}


def test_a_good_and_a_bad_opinion_in_one_batch_do_not_disturb_each_other(desk: Desk) -> None:
    first, second = desk.new_case(), desk.new_case()
    good = OpinionGiven(task_id=f"{first}-accept-1", verdict="agree")
    bad = OpinionGiven(task_id=f"{second}-accept-1", verdict="disagree")
    bodies = [envelope_bytes(event, source="department/education") for event in (bad, good)]
    deliver(SERVICE, "workflow.opinions", *bodies)
    assert desk.show(first)["state"] == "under_examination"
    assert desk.show(second)["state"] == "received"
    assert [r.code for r in told(db, OpinionRefused)] == ["reason_required"]


def test_repeated_delivery_of_an_opinion_has_one_effect(desk: Desk) -> None:
    case_no = desk.new_case()
    body = envelope_bytes(OpinionGiven(task_id=f"{case_no}-accept-1", verdict="agree"), source="department/education")
    deliver(SERVICE, "workflow.opinions", body, body)
    before = everything()
    deliver(SERVICE, "workflow.opinions", body)
    assert everything() == before
    assert told(db, OpinionRefused) == []


def test_two_departments_answering_in_the_same_moment_both_count_and_join_once(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"))
    answers = together(
        lambda: desk.answer("police", f"{case_no}-police_opinion-1"),
        lambda: desk.answer("transport", f"{case_no}-transport_opinion-1"),
    )
    assert [a.status_code for a in answers] == [200, 200]
    assert [t["step"] for t in desk.open_tasks("education")] == ["examine"]


def test_of_two_decisions_in_the_same_moment_one_counts(desk: Desk) -> None:
    case_no = desk.new_case()
    steps = (
        ("education", "accept"),
        ("police", "police_opinion"),
        ("transport", "transport_opinion"),
        ("education", "examine"),
    )
    desk.agree(case_no, *steps)
    task_id = f"{case_no}-decide-1"
    answers = together(
        lambda: desk.answer("county_government", task_id),
        lambda: desk.answer("county_government", task_id, "disagree", reason="否"),
    )
    assert sorted(a.status_code for a in answers) == [200, 409]
    [refused] = [a for a in answers if a.status_code == 409]
    assert refused.json["code"] == "opinion_already_given"
    assert len(everything()["decisions"]) == 1


def test_same_application_sent_twice_in_the_same_moment_is_one_case(desk: Desk) -> None:
    materials = [desk.receipt("application")]
    answers = together(*[lambda: desk.submit(key="twice", materials=materials)] * 4)
    assert {a.status_code for a in answers} == {201}
    assert len({a.json["case_no"] for a in answers}) == 1
    assert len(everything()["cases"]) == 1


def test_correction_is_joined_into_one_notice_and_asked_only_once(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"))
    for department, material in (("police", "application"), ("transport", "route_plan")):
        defects = [{"material_code": material, "problem": f"{department}：看不清"}]
        desk.answer(department, f"{case_no}-{department}_opinion-1", "correction_needed", defects=defects)
    case = desk.show(case_no)
    assert case["state"] == "awaiting_correction"
    headers = desk.citizen()
    before = everything()
    partial = desk.client.post(
        f"/api/v1/cases/{case_no}/corrections",
        json={"materials": [desk.receipt("application")]},
        headers=headers | {"Idempotency-Key": "c1"},
    )
    assert_refused(partial, 422, "correction_mismatch", before)
    both = {"materials": [desk.receipt("application"), desk.receipt("route_plan")]}
    answer = desk.client.post(
        f"/api/v1/cases/{case_no}/corrections", json=both, headers=headers | {"Idempotency-Key": "c2"}
    )
    assert answer.json["state"] == "under_examination"
    before = everything()
    defects = [{"material_code": "application", "problem": "还是看不清"}]
    again = desk.answer("police", f"{case_no}-police_opinion-2", "correction_needed", defects=defects)
    assert_refused_and_told(again, 409, "second_correction_refused", before)
    before = everything()
    again = desk.client.post(
        f"/api/v1/cases/{case_no}/corrections", json=both, headers=headers | {"Idempotency-Key": "c3"}
    )
    assert_refused(again, 409, "no_correction_asked", before)
    desk.agree(case_no, ("police", "police_opinion"), ("transport", "transport_opinion"), round_no=2)
    assert [t["step"] for t in desk.open_tasks("education")] == ["examine"]


def test_defect_of_the_bus_keeps_its_material(desk: Desk) -> None:
    case_no = desk.new_case()
    defect = Defect(material_code="application", problem="缺章")
    given = OpinionGiven(task_id=f"{case_no}-accept-1", verdict="correction_needed", defects=(defect,))
    deliver(SERVICE, "workflow.opinions", envelope_bytes(given, source="department/education"))
    [task] = desk.show(case_no)["tasks"]
    assert task["defects"] == [{"material_code": "application", "problem": "缺章"}]
    assert desk.show(case_no)["state"] == "awaiting_correction"
