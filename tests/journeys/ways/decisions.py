"""How a case is decided, and how it ends without a decision."""

from __future__ import annotations

import subprocess

from tests.factories.definitions import make_definition, step
from tests.journeys.case import apply
from tests.journeys.platform import Town
from tests.journeys.ways import journey, journey_on_both

OPINIONS = ("police_opinion", "transport_opinion")
WAY = ("accept", *OPINIONS, "examine", "decide")


@journey_on_both
def an_ordinary_case_is_granted_and_its_licence_can_be_verified(town: Town) -> None:
    case = apply(town, town.publish(make_definition(101)))
    assert (case.state, case.open()) == ("received", ["accept"])
    case.agree("accept")
    assert case.open() == [*OPINIONS]  # both work at the same time
    case.agree(*OPINIONS, "examine", "decide")
    shown = case.ended("closed")
    public = town.told("GET", f"/api/v1/licences/{shown['licence_no']}", None)
    assert (public["status"], public["name"]) == ("valid", "示例许可证")
    assert case.told().count("case.closed") == 1
    assert case.cards() == set()


@journey
def a_case_that_is_not_accepted_says_why_and_how_to_sue(town: Town) -> None:
    case = apply(town, town.publish(make_definition(101)))
    assert case.answer_refused("accept", "disagree").code == "reason_required"
    case.answer("accept", "disagree", reason="不属于本机关职权范围")
    shown = case.ended("not_accepted")
    assert shown["timeline"][-1]["why"] == "不属于本机关职权范围"
    told = town.read(
        "workflow", f"SELECT body FROM outbox WHERE subject = '{case.no}' AND type = 'case.not_accepted.v1'"
    )
    assert "行政复议" in bytes(told[0][0]).decode()
    assert "correct" not in {action["action"] for action in shown["next_actions"]}


@journey
def a_denial_after_a_ruling_that_upheld_the_objection(town: Town) -> None:
    case = apply(town, town.publish(_objected(102)))
    case.agree("accept", "transport_opinion")
    case.answer("police_opinion", "disagree", reason="路段事故多发")
    assert case.open() == ["police_opinion.ruling"]  # the lead department rules before anybody goes on
    case.answer("police_opinion.ruling", "disagree", reason="支持公安意见")
    refused = case.answer_refused("decide", "agree")
    assert (refused.status, refused.code) == (422, "reason_required")
    case.answer("decide", "disagree", reason="不符合安全条件")
    shown = case.ended("denied")
    assert (shown["decision_reason"], shown["licence_no"]) == ("不符合安全条件", None)


@journey_on_both
def an_objection_that_the_lead_department_overrules_does_not_stop_the_case(town: Town) -> None:
    case = apply(town, town.publish(_objected(102)))
    case.agree("accept", "transport_opinion")
    case.answer("police_opinion", "disagree", reason="停车位不足")
    case.answer("police_opinion.ruling", "agree", reason="停车条件已满足")
    case.agree("decide")
    shown = case.ended("closed")
    verdicts = {task["step"]: task["verdict"] for task in shown["tasks"]}
    assert (verdicts["police_opinion"], verdicts["police_opinion.ruling"]) == ("disagree", "agree")


@journey
def conditions_on_which_a_department_agreed_stand_in_the_decision(town: Town) -> None:
    case = apply(town, town.publish(make_definition(101)))
    case.agree("accept")
    case.answer("police_opinion", conditions=["夜间不得营业"])
    case.agree("transport_opinion", "examine", "decide")
    shown = case.ended("closed")
    pdf = town.ask("GET", f"/api/v1/licences/{shown['licence_no']}/pdf", case.who)
    text = subprocess.run(["pdftotext", "-", "-"], input=pdf.data, capture_output=True, check=True).stdout.decode()
    assert "夜间不得营业" in "".join(text.replace("\u200b", "").split())


@journey_on_both
def an_application_withdrawn_early_needs_no_answer_any_more(town: Town) -> None:
    case = apply(town, town.publish(make_definition(101)))
    case.agree("accept", "police_opinion")
    waiting = case.tasks()["transport_opinion"]["task_id"]
    town.told("POST", f"/api/v1/cases/{case.no}/withdrawal", case.who, {"reason": "不办了"})
    assert list(case.tasks("cancelled")) == ["transport_opinion"]
    late = town.refused("POST", f"/api/v1/tasks/{waiting}/opinion", town.officer("transport"), {"verdict": "agree"})
    assert (late.status, late.code) == (409, "case_withdrawn")
    case.ended("withdrawn")


@journey
def a_case_without_object_is_terminated_by_its_lead_department(town: Town) -> None:
    case = apply(town, town.publish(make_definition(101)))
    case.agree("accept")
    case.conduct("termination", reason="申请单位已注销")
    case.ended("terminated")
    again = case.conduct_refused("termination", reason="再次终止")
    assert (again.status, again.code) == (409, "move_not_allowed")


@journey_on_both
def two_officers_must_sign_and_neither_may_decide(town: Town) -> None:
    case = apply(
        town,
        town.publish(make_definition(103, steps={"examine": {"officers": 2}, "decide": {"department": "education"}})),
    )
    case.agree("accept", *OPINIONS)
    first, second = town.officer("education", "甲"), town.officer("education", "乙")
    assert case.answer("examine", by=first)["task_state"] == "open"
    assert case.answer_refused("examine", "agree", by=first).code == "second_officer_required"
    assert case.answer_refused("examine", "disagree", by=second, reason="不同意").code == "signatures_differ"
    assert case.answer("examine", by=second)["task_state"] == "answered"
    for signer in (first, second):
        refused = case.answer_refused("decide", "agree", by=signer)
        assert (refused.status, refused.code) == (403, "decider_is_examiner")
    case.agree("decide")
    shown = case.ended("closed")
    assert next(task["officer"] for task in shown["tasks"] if task["step"] == "examine") == "甲、乙"


@journey
def a_step_that_does_not_apply_is_left_out_and_nobody_starts_early(town: Town) -> None:
    large = [{"field": "area", "at_least": 500}]
    code = town.publish(make_definition(104, steps={"transport_opinion": {"when": large}}))
    small, big = (apply(town, code, form={"site": "云溪镇二号", "area": area}) for area in (80, 500))
    for case in (small, big):
        assert case.open() == ["accept"]
        case.agree("accept")
    assert (small.open(), big.open()) == (["police_opinion"], [*OPINIONS])
    small.agree("police_opinion", "examine", "decide")
    big.agree(*OPINIONS, "examine", "decide")
    assert "transport_opinion" not in {task["step"] for task in small.ended("closed")["tasks"]}
    big.ended("closed")


@journey_on_both
def a_task_given_to_another_department_is_answered_there(town: Town) -> None:
    case = apply(town, town.publish(make_definition(101)))
    case.agree("accept")
    old = case.tasks()["police_opinion"]["task_id"]
    lead = town.officer("education")
    moved = town.told("POST", f"/api/v1/tasks/{old}/reassignment", lead, {"department": "health", "reason": "职责调整"})
    assert (moved["department"], moved["task_id"]) == ("health", old[:-1] + "2")
    refused = town.refused("POST", f"/api/v1/tasks/{old}/opinion", town.officer("police"), {"verdict": "agree"})
    assert (refused.status, refused.code) == (409, "opinion_too_late")
    only = town.officer("health", "专人")
    town.told(
        "POST", f"/api/v1/tasks/{moved['task_id']}/reassignment", lead, {"officer": only.subject, "reason": "指定"}
    )
    assert case.answer_refused("police_opinion", "agree").code == "task_of_another_officer"
    case.answer("police_opinion", by=only)
    case.agree("transport_opinion", "examine", "decide")
    case.ended("closed")
    assert case.told().count("task.reassigned") == 2


def _objected(number: int) -> dict[str, object]:
    """The decision follows the opinions of others at once, so an objection needs a ruling of its own."""
    plan = [
        step("accept", "education", "acceptance", limit_working_days=5),
        step("police_opinion", "police", "opinion", "accept"),
        step("transport_opinion", "transport", "opinion", "accept"),
        step("decide", "county_government", "decision", *OPINIONS),
    ]
    return make_definition(number, plan=plan)
