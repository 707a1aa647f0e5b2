"""The way of a case from application to closing."""

from __future__ import annotations

from contracts.case import CaseApproved, CaseClosed, CaseDenied, CaseNotAccepted, CaseSubmitted
from contracts.licence import LicenceIssued
from contracts.task import TaskAssigned
from services.workflow.models import db
from services.workflow.service import SERVICE
from tests.services.workflow.conftest import Desk
from tests.support import deliver, envelope_bytes, told

OPINIONS = (("police", "police_opinion"), ("transport", "transport_opinion"))


def licence(case_no: str) -> LicenceIssued:
    return LicenceIssued(
        licence_no="L-1",
        case_no=case_no,
        item_code="x",
        holder_id="org-1",
        name="证",
        issued_on="2026-01-01",
        sha256="0" * 64,
    )


def test_case_runs_from_application_to_closing_with_parallel_departments(desk: Desk) -> None:
    case_no = desk.new_case()
    assert desk.show(case_no)["state"] == "received"
    desk.agree(case_no, ("education", "accept"))
    assert {t["step"] for d in ("police", "transport") for t in desk.open_tasks(d)} == {
        "police_opinion",
        "transport_opinion",
    }
    desk.agree(case_no, OPINIONS[1])
    assert desk.open_tasks("education") == []
    desk.agree(case_no, OPINIONS[0])
    [examination] = desk.open_tasks("education")
    assert {o["department"] for o in examination["prior_opinions"]} == {"police", "transport"}
    desk.agree(case_no, ("education", "examine"), ("county_government", "decide"))
    assert desk.show(case_no)["state"] == "approved"
    deliver(SERVICE, "workflow.licences", envelope_bytes(licence(case_no), source="documents"))
    assert desk.show(case_no)["state"] == "approved"
    desk.agree(case_no, ("police", "plate"))
    case = desk.show(case_no)
    assert case["state"] == "closed"
    assert case["licence_no"] == "L-1"
    assert [move["after"] for move in case["timeline"]] == ["received", "under_examination", "approved", "closed"]
    assert len(told(db, CaseSubmitted)) == len(told(db, CaseApproved)) == len(told(db, CaseClosed)) == 1
    assert len(told(db, TaskAssigned)) == 6


def test_licence_after_the_last_delivery_step_closes_the_case_too(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(
        case_no,
        ("education", "accept"),
        *OPINIONS,
        ("education", "examine"),
        ("county_government", "decide"),
        ("police", "plate"),
    )
    assert desk.show(case_no)["state"] == "approved"
    deliver(SERVICE, "workflow.licences", envelope_bytes(licence(case_no), source="documents"))
    assert desk.show(case_no)["state"] == "closed"


def test_refused_acceptance_ends_the_case_with_reason_and_remedy(desk: Desk) -> None:
    case_no = desk.new_case()
    assert (
        desk.answer("education", f"{case_no}-accept-1", "disagree", reason="不属于本机关职权").json["case_state"]
        == "not_accepted"
    )
    [event] = told(db, CaseNotAccepted)
    assert event.reason == "不属于本机关职权"
    assert "行政复议" in event.remedy


def test_a_disagreeing_department_is_weighed_by_the_decider_who_may_deny(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"), OPINIONS[0])
    desk.answer("transport", f"{case_no}-transport_opinion-1", "disagree", reason="路线不具备通行条件")
    desk.agree(case_no, ("education", "examine"))
    answer = desk.answer("county_government", f"{case_no}-decide-1", "disagree", reason="路线不安全")
    assert answer.json["case_state"] == "denied"
    [event] = told(db, CaseDenied)
    assert event.reason == "路线不安全"
    assert told(db, CaseApproved) == []
