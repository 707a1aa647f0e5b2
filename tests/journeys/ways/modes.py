"""即办、容缺、告知承诺."""

from __future__ import annotations

from datetime import timedelta

from tests.factories.definitions import limit, make_definition, step
from tests.journeys.case import Case, apply, apply_refused
from tests.journeys.clock import workdays_after
from tests.journeys.platform import Town
from tests.journeys.ways import journey, journey_on_both

OPINIONS = ("police_opinion", "transport_opinion")
LATER = {"insurance": {"required": True, "later_working_days": 5}}
PROMISE = {"materials": ["plan"], "text": "承诺方案属实。", "text_en": "The plan is true.", "check_within": limit(10)}


@journey
def an_immediate_item_is_done_with_one_answer(town: Town) -> None:
    plan = [
        step("accept", "education", "acceptance", limit_working_days=1),
        step("decide", "education", "decision", "accept", limit_working_days=1),
    ]
    case = apply(
        town, town.publish(make_definition(141, item_type="20", case_kind="1", committed_limit=limit(0), plan=plan))
    )
    case.agree("accept")
    shown = case.ended("closed")
    assert (shown["mode"], shown["decided_at"][:10]) == ("immediate", shown["submitted_at"][:10])
    assert {task["verdict"] for task in shown["tasks"]} == {"agree"}
    assert len(shown["tasks"]) == 2


@journey_on_both
def what_was_promised_to_follow_is_handed_in_and_the_case_is_granted(town: Town) -> None:
    case = _with_a_promise(town)
    assert case.show()["mode"] == "deferred"
    case.agree("accept", *OPINIONS, "examine")
    [promise] = case.show()["promises"]
    assert promise["due_on"] == workdays_after(town.today, 5).isoformat()
    refused = case.answer_refused("decide", "agree")
    assert (refused.status, refused.code, refused.facts["materials"]) == (409, "materials_outstanding", ["insurance"])
    case.hand_in("supplements", "insurance")
    case.agree("decide")
    assert case.ended("closed")["promises"][0]["kept_on"] == town.today.isoformat()


@journey
def what_was_promised_to_follow_and_does_not_ends_the_case(town: Town) -> None:
    case = _with_a_promise(town)
    case.agree("accept", *OPINIONS)
    last = workdays_after(town.today, 5)
    town.go_to(last)
    assert case.state == "under_examination"
    town.go_to(last + timedelta(days=1))
    assert case.ended("deemed_withdrawn")["licence_no"] is None


@journey
def only_what_the_guide_allows_may_follow_later(town: Town) -> None:
    code = town.publish(make_definition(142, materials=LATER))
    refused = apply_refused(town, code, papers=["application", "insurance"], later=["plan"])
    assert (refused.status, refused.code) == (422, "material_may_not_follow")


@journey
def a_commitment_that_is_kept_closes_the_case_after_its_check(town: Town) -> None:
    case = _committed(town)
    case.agree("accept", "decide")
    shown = case.show()
    assert (shown["state"], shown["mode"], case.open()) == ("delivered", "commitment", ["commitment_check"])
    assert case.tasks()["commitment_check"]["due_on"] == workdays_after(town.today, 10).isoformat()
    case.answer("commitment_check")
    closed = case.ended("closed")
    assert _status(town, closed["licence_no"]) == "valid"


@journey_on_both
def a_commitment_that_was_untrue_is_revoked_and_so_is_the_licence(town: Town) -> None:
    case = _committed(town)
    case.agree("accept", "decide")
    licence_no = case.show()["licence_no"]
    assert _status(town, licence_no) == "valid"
    case.answer("commitment_check", "disagree", reason="现场与承诺不符")
    shown = case.ended("revoked")
    assert shown["decision_reason"] == "现场与承诺不符"
    assert _status(town, licence_no) == "revoked"
    pdf = town.ask("GET", f"/api/v1/licences/{licence_no}/pdf", case.who)
    checked = town.ask("POST", "/api/v1/licences/verification", None, pdf.data, **{"Content-Type": "application/pdf"})
    assert checked.json["licence"]["status"] == "revoked"


@journey
def an_item_without_commitments_takes_none(town: Town) -> None:
    refused = apply_refused(town, town.publish(make_definition(142, materials=LATER)), commitment=True)
    assert (refused.status, refused.code) == (422, "commitment_not_offered")


def _status(town: Town, licence_no: str) -> str:
    return str(town.told("GET", f"/api/v1/licences/{licence_no}", None)["status"])


def _with_a_promise(town: Town) -> Case:
    code = town.publish(make_definition(142, materials=LATER))
    return apply(town, code, papers=["application", "plan"], later=["insurance"])


def _committed(town: Town) -> Case:
    code = town.publish(make_definition(143, commitment=PROMISE))
    return apply(town, code, papers=["application"], commitment=True)
