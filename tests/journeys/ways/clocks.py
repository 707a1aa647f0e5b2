"""What the clock does to a case: silence, procedures that stop it, extension, rounds, renewal."""

from __future__ import annotations

from datetime import timedelta

from tests.factories.definitions import limit, make_definition
from tests.journeys.case import apply, apply_refused
from tests.journeys.clock import workdays_after
from tests.journeys.platform import Town
from tests.journeys.ways import journey, journey_on_both

OPINIONS = ("police_opinion", "transport_opinion")
REVIEW = {"code": "review", "name": "专家评审", "name_en": "Expert review", "longest": limit(20)}
APPROVAL = {"reason": "案情复杂", "approved_by": "周局长", "rank": "agency_head"}


@journey_on_both
def silence_of_five_days_accepts_the_case_as_of_its_receipt(town: Town) -> None:
    case = apply(town, town.publish(make_definition(121)))
    received = town.today
    last = workdays_after(received, 5)
    assert case.due("accept_by") == last
    town.go_to(last)
    assert case.state == "received"
    town.go_to(workdays_after(last, 1))
    shown = case.show()
    assert (shown["state"], shown["accepted_on"]) == ("under_examination", received.isoformat())
    assert case.due() == workdays_after(received, 11)
    assert case.due("statutory_due_on") == workdays_after(received, 20)
    assert case.open() == [*OPINIONS]
    assert ("T5", "red") in case.cards()
    case.agree(*OPINIONS, "examine", "decide")
    case.ended("closed")


@journey
def a_special_procedure_stops_the_clock_until_it_is_ended(town: Town) -> None:
    case = apply(town, town.publish(make_definition(122, special_procedures=[REVIEW])))
    case.agree("accept")
    accepted = town.today
    began = town.today
    case.conduct("special-procedures", code="review", limit=limit(10), reason="组织论证")
    until = workdays_after(began, 10)
    assert (case.state, case.due()) == ("special_procedure", workdays_after(accepted, 11, [(began, until)]))
    assert case.conduct_refused("extension", **APPROVAL | {"rank": "nobody"}).status == 422
    ended = workdays_after(began, 4)
    town.go_to(ended)
    case.conduct("special-procedures/end", reason="论证完毕")
    assert (case.state, case.due()) == ("under_examination", workdays_after(accepted, 11, [(began, ended)]))
    case.agree(*OPINIONS, "examine", "decide")
    case.ended("closed")


@journey_on_both
def a_special_procedure_that_nobody_ends_ends_with_the_time_announced(town: Town) -> None:
    case = apply(town, town.publish(make_definition(122, special_procedures=[REVIEW])))
    case.agree("accept")
    began = town.today
    too_long = case.conduct_refused("special-procedures", code="review", limit=limit(21), reason="x")
    assert (too_long.status, too_long.code) == (422, "special_procedure_too_long")
    case.conduct("special-procedures", code="review", limit=limit(2), reason="组织论证")
    until = workdays_after(began, 2)
    town.go_to(until)
    assert case.state == "special_procedure"
    town.go_to(until + timedelta(days=1))
    assert (case.state, case.due()) == ("under_examination", workdays_after(began, 11, [(began, until)]))
    assert {rule for rule, _ in case.cards()} >= {"T7"}
    case.agree(*OPINIONS, "examine", "decide")
    case.ended("closed")


@journey
def the_decision_is_put_off_once_and_a_second_time_is_refused_and_carded(town: Town) -> None:
    case = apply(town, town.publish(make_definition(121)))
    assert case.conduct_refused("extension", **APPROVAL).code == "nothing_to_extend"
    case.agree("accept")
    accepted = town.today
    case.conduct("extension", **APPROVAL)
    assert case.due("statutory_due_on") == workdays_after(accepted, 20, extension=(10, "working_day"))
    assert case.due() == workdays_after(accepted, 11, extension=(10, "working_day"))
    refused = case.conduct_refused("extension", **APPROVAL)
    assert (refused.status, refused.code) == (409, "already_extended")
    assert ("T8", "red") in case.cards()
    case.agree(*OPINIONS, "examine", "decide")
    case.ended("closed")


@journey
def a_silent_department_is_never_consent_and_has_its_cards(town: Town) -> None:
    case = apply(town, town.publish(make_definition(121)))
    case.agree("accept", "police_opinion")
    due = workdays_after(town.today, 3)
    town.go_to(due)
    assert {level for _, level in case.cards()} == {"yellow"}
    town.go_to(workdays_after(due, 2))
    assert {level for _, level in case.cards()} == {"yellow", "red"}
    assert (case.state, case.open()) == ("under_examination", ["transport_opinion"])
    case.agree("transport_opinion", "examine", "decide")
    case.ended("closed")


@journey
def outside_its_rounds_nobody_applies_and_the_clock_begins_when_the_round_closes(town: Town) -> None:
    opens, closes = town.today + timedelta(days=7), town.today + timedelta(days=11)
    spring = {"name": "春季", "name_en": "Spring", "opens": opens.isoformat(), "closes": closes.isoformat()}
    code = town.publish(
        make_definition(123, batches=[spring], clock_starts_on="batch_closed", limit_basis="《示例条例》第五条")
    )
    refused = apply_refused(town, code)
    assert (refused.status, refused.code, refused.facts["opens"]) == (409, "outside_batch", opens.isoformat())
    town.go_to(opens)
    case = apply(town, code)
    case.agree("accept")
    assert (case.show()["batch"], case.due()) == ("春季", workdays_after(closes, 11))
    town.go_to(closes + timedelta(days=1))
    assert apply_refused(town, code).code == "outside_batch"
    case.agree(*OPINIONS, "examine", "decide")
    case.ended("closed")
