"""补正: one notice for all departments, once; and what follows when nobody corrects."""

from __future__ import annotations

from tests.factories.definitions import make_definition, step
from tests.journeys.case import Case, apply, defects
from tests.journeys.clock import workdays_after
from tests.journeys.platform import Refused, Town
from tests.journeys.ways import journey, journey_on_both

OPINIONS = ("police_opinion", "transport_opinion")


@journey_on_both
def corrections_of_several_departments_come_in_one_notice(town: Town) -> None:
    case = apply(town, town.publish(make_definition(111)))
    case.agree("accept")
    case.complain("police_opinion", "application")
    assert case.state == "under_examination"  # it waits for the other department
    case.complain("transport_opinion", "plan", "application")
    shown = case.show()
    assert (shown["state"], case.open()) == ("awaiting_correction", [])
    named = {(one["department"], one["material_code"]) for one in shown["notice"]["defects"]}
    assert named == {("police", "application"), ("transport", "plan"), ("transport", "application")}
    assert shown["notice"]["correct_by"] == workdays_after(town.today, 15).isoformat()
    short = _hand_in_refused(town, case, "application")
    assert (short.status, short.code, short.facts["missing"]) == (422, "correction_mismatch", ["plan"])
    case.hand_in("corrections", "application", "plan")
    assert case.open() == [*OPINIONS]
    case.agree(*OPINIONS, "examine", "decide")
    assert {task["round"] for task in case.ended("closed")["tasks"] if task["step"] in OPINIONS} == {1, 2}
    assert case.told().count("case.correction_requested") == 1


@journey_on_both
def a_second_correction_is_refused_and_supervision_raises_a_red_card(town: Town) -> None:
    case = apply(town, town.publish(make_definition(111)))
    case.complain("accept", "plan")
    assert case.state == "awaiting_correction"
    town.go_to(workdays_after(town.today, 4))
    case.hand_in("corrections", "plan")
    anew = workdays_after(town.today, 5)  # received now, for the department's own clock as well
    assert (case.due("accept_by"), case.tasks()["accept"]["due_on"]) == (anew, anew.isoformat())
    refused = case.answer_refused("accept", "correction_needed", reason="又发现问题", defects=defects("application"))
    assert (refused.status, refused.code) == (409, "second_correction_refused")
    assert ("P1", "red") in case.cards()
    beyond = case.answer_refused("accept", "correction_needed", reason="x", defects=defects("passport"))
    assert beyond.code == "second_correction_refused"
    case.agree("accept", *OPINIONS, "examine", "decide")
    case.ended("closed")


@journey
def a_demand_for_what_the_guide_does_not_name_is_refused_and_carded(town: Town) -> None:
    case = apply(town, town.publish(make_definition(111)))
    refused = case.answer_refused("accept", "correction_needed", reason="缺", defects=defects("passport"))
    assert (refused.status, refused.code) == (422, "material_not_in_guide")
    assert ("C2", "red") in case.cards()
    case.agree("accept", *OPINIONS, "examine", "decide")
    case.ended("closed")


@journey_on_both
def who_does_not_correct_in_time_is_deemed_to_have_withdrawn(town: Town) -> None:
    case = apply(town, town.publish(make_definition(111)))
    case.agree("accept")
    case.complain("police_opinion", "plan")
    case.agree("transport_opinion")
    correct_by = workdays_after(town.today, 15)
    town.go_to(correct_by)
    assert case.state == "awaiting_correction"  # its last day still counts
    town.go_to(workdays_after(correct_by, 1))
    case.ended("deemed_withdrawn")
    assert case.told()[-1] == "case.deemed_withdrawn"


@journey
def the_notice_goes_out_when_its_window_closes_although_a_department_is_silent(town: Town) -> None:
    case = apply(town, town.publish(make_definition(111)))
    case.agree("accept")
    case.complain("police_opinion", "plan")
    closes = workdays_after(town.today, 3)
    town.go_to(closes)
    assert (case.state, case.open()) == ("awaiting_correction", ["transport_opinion"])
    assert case.answer_refused("transport_opinion", "correction_needed", reason="x", defects=defects("plan")).code == (
        "second_correction_refused"
    )
    case.hand_in("corrections", "plan")
    case.agree("transport_opinion", "police_opinion", "examine", "decide")
    case.ended("closed")


@journey
def a_case_returned_by_pre_review_is_corrected_and_granted(town: Town) -> None:
    look = step("look", "education", "pre_review", limit_working_days=1, starts_on="received")
    definition = make_definition(112, steps={"accept": {"after": ["look"]}})
    definition["plan"].insert(0, look)
    case = apply(town, town.publish(definition))
    assert (case.state, case.open()) == ("pre_review", ["look"])
    case.complain("look", "application")
    assert case.state == "awaiting_correction"
    case.hand_in("corrections", "application")
    assert (case.state, case.open()) == ("pre_review", ["look"])
    assert case.due("accept_by") == workdays_after(town.today, 5)
    case.agree("look", "accept", *OPINIONS, "examine", "decide")
    moves = [move["after"] for move in case.ended("closed")["timeline"]]
    assert moves[:6] == [
        "received", "pre_review", "awaiting_correction", "pre_review", "received", "under_examination",
    ]  # fmt: skip


def _hand_in_refused(town: Town, case: Case, code: str) -> Refused:
    receipts = [town.upload(case.item_code, code, case.who, text="补正")]
    return town.refused("POST", f"/api/v1/cases/{case.no}/corrections", case.who, {"materials": receipts})
