"""The lead department conducts a case over HTTP: stored, told and answered as the rules say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from chassis import clock
from contracts.case import (
    CaseApproved,
    CaseExtended,
    CaseExtensionRefused,
    CaseSpecialProcedureEnded,
    CaseSpecialProcedureStarted,
    CaseSubmitted,
    CaseSupplemented,
)
from contracts.item import EligibilityQuestion, ItemResumed, ItemSuspended, Limit, SpecialProcedure
from contracts.licence import LicenceIssued
from contracts.rights import scopes_of
from services.workflow.models import db
from services.workflow.service import SERVICE
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, assert_refused, everything
from tests.services.workflow.pure import rule, with_steps
from tests.support import deliver, envelope_bytes, told

REVIEW = SpecialProcedure(code="review", name="专家评审", name_en="Expert review", longest=Limit(amount=20))


def conduct(desk: Desk, path: str, body: dict[str, Any], *, by: str = "education", kind: str = "officer") -> Any:
    headers = desk.tokens.headers(scopes_of(kind), kind=kind, dept=by, sub=f"a-{by}", name="王某")
    headers["Idempotency-Key"] = f"c-{next(desk.keys)}"
    return desk.client.post(f"/api/v1/{path}", json=body, headers=headers)


def apply(desk: Desk, path: str, **body: Any) -> Any:
    headers = desk.citizen() | {"Idempotency-Key": f"s-{next(desk.keys)}"}
    return desk.client.post(f"/api/v1/{path}", json=body, headers=headers)


@pytest.fixture
def case_no(desk: Desk) -> str:
    """An accepted case of an item with a special procedure."""
    desk.publish(msgspec.structs.replace(make_item(version=2), special_procedures=(REVIEW,)))
    made = desk.new_case()
    desk.agree(made, ("education", "accept"))
    return made


def test_a_special_procedure_begins_and_ends_and_the_dates_move_with_it(desk: Desk, case_no: str) -> None:
    due_before = desk.show(case_no)["due_on"]
    begun = conduct(
        desk,
        f"cases/{case_no}/special-procedures",
        {"code": "review", "limit": {"amount": 10}, "reason": "论证"},
    )
    assert (begun.status_code, begun.json["state"]) == (201, "special_procedure")
    assert begun.json["due_on"] > due_before
    assert (
        desk.open_tasks("police")[0]["due_on"] == told(db, CaseSpecialProcedureStarted)[0].tasks[0].due_on.isoformat()
    )
    ended = conduct(desk, f"cases/{case_no}/special-procedures/end", {"reason": "论证完毕"})
    assert (ended.status_code, ended.json["state"], ended.json["due_on"]) == (200, "under_examination", due_before)
    assert not told(db, CaseSpecialProcedureEnded)[0].expired
    [stop] = desk.show(case_no)["special_procedures"]
    assert (stop["name_en"], stop["reason"], stop["expired"]) == ("Expert review", "论证", False)
    assert stop["ended"] == stop["began"] < stop["until"]
    last = desk.show(case_no)["timeline"][-1]
    assert (last["by"], last["by_name"], last["rule"]) == ("education", "王某", "行政许可法 §45")
    before = everything()
    again = conduct(desk, f"cases/{case_no}/special-procedures/end", {"reason": "x"})
    assert_refused(again, 409, "no_special_procedure", before)


def test_a_second_extension_is_refused_and_supervision_hears_of_it(desk: Desk, case_no: str) -> None:
    approval = {"reason": "案情复杂", "approved_by": "周局长", "rank": "agency_head"}
    first = conduct(desk, f"cases/{case_no}/extension", approval)
    assert (first.status_code, len(told(db, CaseExtended))) == (200, 1)
    assert first.json["due_on"] < first.json["statutory_due_on"]
    shown = desk.show(case_no)["extension"]
    assert (shown["reason"], shown["approved_by"], shown["limit"]["unit"]) == ("案情复杂", "周局长", "working_day")
    before = everything()
    second = conduct(desk, f"cases/{case_no}/extension", approval)
    assert (second.status_code, second.json["code"]) == (409, "already_extended")
    [refused] = told(db, CaseExtensionRefused)
    assert (refused.code, refused.department) == ("already_extended", "education")
    after = everything()
    assert (after["tasks"], after["transitions"]) == (before["tasks"], before["transitions"])


def test_only_the_lead_department_conducts_a_case(desk: Desk, case_no: str) -> None:
    before = everything()
    for path, body in (
        ("special-procedures", {"code": "review", "limit": {"amount": 5}, "reason": "x"}),
        ("extension", {"reason": "x", "approved_by": "x", "rank": "agency_head"}),
        ("termination", {"reason": "x"}),
        ("handover", {"received_by": "x"}),
    ):
        assert_refused(conduct(desk, f"cases/{case_no}/{path}", body, by="police"), 404, "not_found", before)
    task = f"{case_no}-police_opinion-1"
    moved = conduct(desk, f"tasks/{task}/reassignment", {"department": "x", "reason": "x"}, by="police")
    assert_refused(moved, 404, "not_found", before)


def test_a_task_given_to_another_department_is_on_its_list_and_off_the_first_ones(desk: Desk, case_no: str) -> None:
    task = f"{case_no}-police_opinion-1"
    moved = conduct(desk, f"tasks/{task}/reassignment", {"department": "police_north", "reason": "辖区调整"})
    assert (moved.status_code, moved.json["task_id"]) == (200, f"{case_no}-police_opinion-2")
    assert desk.open_tasks("police") == []
    assert [t["task_id"] for t in desk.open_tasks("police_north")] == [f"{case_no}-police_opinion-2"]
    named = conduct(desk, f"tasks/{case_no}-police_opinion-2/reassignment", {"officer": "a-li", "reason": "x"})
    assert named.json["assignee"] == "a-li"
    before = everything()
    other = conduct(desk, f"tasks/{case_no}-police_opinion-2/opinion", {"verdict": "agree"}, by="police_north")
    assert_refused(other, 403, "task_of_another_officer", before)


def test_a_case_without_object_is_terminated(desk: Desk, case_no: str) -> None:
    assert conduct(desk, f"cases/{case_no}/termination", {"reason": "申请单位注销"}).json["state"] == "terminated"
    assert desk.open_tasks("police") == []


def test_two_signatures_and_conditions_survive_between_requests(desk: Desk) -> None:
    desk.publish(with_steps(make_item(version=2), police_opinion={"officers": 2}))
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"), ("transport", "transport_opinion"))
    task = f"{case_no}-police_opinion-1"
    first = desk.answer("police", task, officer="李", conditions=["限速"])
    assert (first.json["task_state"], first.json["case_state"]) == ("open", "under_examination")
    before = everything()
    assert_refused(desk.answer("police", task, officer="李"), 409, "second_officer_required", before)
    second = desk.answer("police", task, officer="王", conditions=["限速"])
    assert second.json["task_state"] == "answered"
    shown = next(t for t in desk.show(case_no)["tasks"] if t["task_id"] == task)
    assert (shown["conditions"], [s["officer"] for s in shown["signatures"]]) == (["限速"], ["李", "王"])
    desk.agree(case_no, ("education", "examine"), ("county_government", "decide"))
    assert told(db, CaseApproved)[0].conditions == ("限速",)


LATER = msgspec.structs.replace(
    make_item(version=2), materials=(rule("application"), rule("tax", later_working_days=10)), delivery_ways=("post",)
)


def test_promised_materials_are_made_up_and_the_result_is_posted(desk: Desk) -> None:
    desk.publish(LATER)
    applied = desk.submit(later=["tax"], delivery_way="post", delivery_address="云溪县学府路1号")
    assert applied.status_code == 201, applied.json
    case_no = applied.json["case_no"]
    desk.agree(
        case_no,
        ("education", "accept"),
        ("police", "police_opinion"),
        ("transport", "transport_opinion"),
        ("education", "examine"),
    )
    before = everything()
    early = desk.answer("county_government", f"{case_no}-decide-1")
    assert_refused(early, 409, "materials_outstanding", before)
    made_up = apply(desk, f"cases/{case_no}/supplements", materials=[desk.receipt("tax")])
    assert made_up.status_code == 200, made_up.json
    assert [m.code for m in told(db, CaseSupplemented)[0].materials] == ["tax"]
    assert desk.answer("county_government", f"{case_no}-decide-2").json["case_state"] == "approved"
    desk.agree(case_no, ("police", "plate"))
    issued = LicenceIssued(
        licence_no="1.2",
        case_no=case_no,
        item_code=ITEM_CODE,
        holder_id="org-1",
        name="证",
        issued_on=date(2026, 1, 5),
        sha256="0",
    )
    deliver(SERVICE, "workflow.licences", envelope_bytes(issued, source="documents"))
    assert desk.show(case_no)["state"] == "approved"
    assert conduct(desk, f"cases/{case_no}/handover", {"tracking_no": "EA123"}).json["state"] == "approved"
    signed = conduct(desk, f"cases/{case_no}/delivery", {"state": "delivered", "received_by": "张某"})
    assert signed.json["state"] == "closed"
    shown = desk.show(case_no)["delivery"]
    assert (shown["address"], shown["tracking_no"], shown["received_by"]) == ("云溪县学府路1号", "EA123", "张某")


def test_a_promise_that_is_not_kept_lapses_by_the_job(desk: Desk) -> None:
    from tests.services.workflow.test_deadlines_fire_once import JOB

    desk.publish(LATER)
    case_no = desk.submit(later=["tax"], delivery_address="x").json["case_no"]
    desk.agree(case_no, ("education", "accept"))
    clock.advance(desk.clock_file, timedelta(days=30))
    JOB.run()
    assert desk.show(case_no)["state"] == "deemed_withdrawn"


@pytest.mark.parametrize(("kind", "channel"), [("officer", "window"), ("kiosk", "kiosk"), ("hotline", "hotline")])
def test_whoever_takes_in_for_a_person_opens_the_same_case_with_both_names(desk: Desk, kind: str, channel: str) -> None:
    body = {
        "item_code": ITEM_CODE,
        "form": {"plate": "鲁A12345"},
        "materials": [desk.receipt("application", owner="p-zhang")],
        "applicant_id": "p-zhang",
        "applicant_name": "张某",
    }
    before = everything()
    assert_refused(conduct(desk, "cases/intake", body, kind=kind), 404, "applicant_unknown", before)
    desk.register("p-zhang")
    taken = conduct(desk, "cases/intake", body, kind=kind)
    assert taken.status_code == 201, taken.json
    [submitted] = told(db, CaseSubmitted)
    assert (submitted.channel, submitted.applicant_id, submitted.represented) == (channel, "p-zhang", True)
    mine = desk.show(taken.json["case_no"], sub="p-zhang", party="p-zhang")
    assert (mine["agent_name"], mine["applicant_name"]) == ("王某", "张某")
    assert mine["timeline"][0]["by_name"] == "王某"


def test_papers_of_a_third_person_are_not_taken_in_at_a_counter(desk: Desk) -> None:
    body = {"item_code": ITEM_CODE, "form": {"plate": "鲁A12345"}, "applicant_id": "p-zhang", "applicant_name": "张某"}
    desk.register("p-zhang")
    before = everything()
    taken = conduct(desk, "cases/intake", body | {"materials": [desk.receipt("application", owner="p-li")]})
    assert_refused(taken, 403, "material_of_another_owner", before)


def test_a_suspended_item_takes_no_new_case_until_it_is_resumed_and_late_news_changes_nothing(desk: Desk) -> None:
    running = desk.new_case()
    suspended = envelope_bytes(ItemSuspended(item_code=ITEM_CODE, reason="系统调整"), source="catalog")
    resumed = envelope_bytes(ItemResumed(item_code=ITEM_CODE), source="catalog")
    deliver(SERVICE, "workflow.items", suspended)
    before = everything()
    refused = desk.submit()
    assert_refused(refused, 409, "item_suspended", before)
    assert refused.json["reason"] == "系统调整"
    desk.agree(running, ("education", "accept"))
    deliver(SERVICE, "workflow.items", resumed)
    deliver(SERVICE, "workflow.items", suspended.replace(b'"id":"0', b'"id":"1'))  # the old news once more, late
    assert desk.submit().status_code == 201


def test_the_channel_is_kept_of_every_step_and_none_of_what_the_platform_does_itself(desk: Desk) -> None:
    case_no = desk.submit(channel="mobile").json["case_no"]
    defects = [{"material_code": "application", "problem": "缺页"}]
    assert desk.answer("education", f"{case_no}-accept-1", "correction_needed", defects=defects).status_code == 200
    apply(desk, f"cases/{case_no}/corrections", materials=[desk.receipt("application")], channel="kiosk")
    desk.agree(case_no, ("education", "accept"), round_no=2)
    apply(desk, f"cases/{case_no}/withdrawal", reason="不办了")
    moves = [(move["after"], move["channel"]) for move in desk.show(case_no)["timeline"]]
    assert moves == [
        ("received", "mobile"),
        ("awaiting_correction", None),
        ("received", "kiosk"),
        ("under_examination", "api"),
        ("withdrawn", "web"),
    ]


def test_questions_of_eligibility_are_asked_of_every_application(desk: Desk) -> None:
    question = EligibilityQuestion(
        code="local", question="？", question_en="?", must_be=True, otherwise="请去别处", otherwise_en="elsewhere"
    )
    desk.publish(msgspec.structs.replace(make_item(version=2), eligibility=(question,)))
    before = everything()
    assert_refused(desk.submit(), 422, "eligibility_unanswered", before)
    assert_refused(desk.submit(eligibility={"local": False}), 409, "not_eligible", before)
    assert desk.submit(eligibility={"local": True}).status_code == 201
