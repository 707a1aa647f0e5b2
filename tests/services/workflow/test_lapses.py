"""期限届满: what the law does when nobody acts, on the day after the last one and never before."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from chassis.errors import Refusal
from contracts.case import CaseAccepted, CaseDeemedWithdrawn
from contracts.item import Limit
from contracts.task import TaskCancelled
from faults.clock_oracle import WORK_2025_2026, last_day
from services.workflow.domain import lifecycle
from services.workflow.domain.lapse import lapse, wake_on
from tests.services.workflow.pure import MONDAY, PERSON, Case, changed, paper, rule

LATER = changed(materials=(rule("application"), rule("tax", later_working_days=10)))


def test_five_silent_working_days_accept_the_case_as_of_the_day_of_its_receipt() -> None:
    case = Case()
    case.go_to(date(2026, 3, 9))
    assert (case.state, case.open(), wake_on(case.file)) == ("received", ["accept"], date(2026, 3, 9))
    case.go_to(date(2026, 3, 10))
    [told] = case.told(CaseAccepted)
    assert (case.state, told.accepted_on, told.deemed_against) == ("under_examination", MONDAY, "education")
    assert told.deemed_task == case.task("accept").task_id
    assert case.file.due_on == last_day(MONDAY, 11, "working_day", WORK_2025_2026.__contains__)
    assert case.open() == ["police_opinion", "transport_opinion"]
    assert [e.reason for e in case.told(TaskCancelled)] == ["deemed_accepted"]
    assert case.rules()[-1] == ("under_examination", "行政许可法 §32")
    with pytest.raises(Refusal, match="opinion_too_late"):
        case.answer("accept", "disagree", reason="x")


def test_after_a_correction_the_five_days_and_the_day_of_receipt_are_those_of_the_correction() -> None:
    case = Case()
    case.complain("accept", "application")
    case.go_to(date(2026, 3, 11))
    case.correct("application")
    case.go_to(date(2026, 3, 19))
    [told] = case.told(CaseAccepted)
    assert told.accepted_on == date(2026, 3, 11)


def test_who_does_not_correct_in_time_is_deemed_to_have_withdrawn() -> None:
    case = Case()
    case.complain("accept", "application")
    last = case.file.correct_by
    assert last == last_day(MONDAY, 15, "working_day", WORK_2025_2026.__contains__)
    case.go_to(last)
    assert case.state == "awaiting_correction"
    case.go_to(last + timedelta(days=1))
    [told] = case.told(CaseDeemedWithdrawn)
    assert (case.state, told.reason, told.materials, told.due_on) == (
        "deemed_withdrawn",
        "correction_not_made",
        ("application",),
        last,
    )
    with pytest.raises(Refusal, match="no_correction_asked"):
        case.correct("application")


def test_who_does_not_make_up_what_was_promised_is_deemed_to_have_withdrawn() -> None:
    case = Case(LATER, later=("tax",))
    case.agree("accept")
    case.go_to(date(2026, 3, 16))
    assert case.state == "under_examination"
    case.go_to(date(2026, 3, 17))
    [told] = case.told(CaseDeemedWithdrawn)
    assert (case.state, told.reason, told.materials, case.open()) == (
        "deemed_withdrawn",
        "promise_not_kept",
        ("tax",),
        [],
    )


def test_a_promise_kept_in_time_never_lapses() -> None:
    case = Case(LATER, later=("tax",))
    case.agree("accept")
    case.go_to(date(2026, 3, 16))
    lifecycle.supplement(case.file, [paper("tax")], by=PERSON, **case.at)
    case.go_to(date(2026, 5, 30))
    assert case.state == "under_examination"


def test_nothing_lapses_before_its_day_and_nothing_twice() -> None:
    case = Case()
    assert lapse(case.file, **case.at) == []
    case.go_to(date(2026, 3, 10), asleep=True)
    assert [len(lapse(case.file, **case.at)) for _ in range(3)] == [1, 0, 0]
    assert len(case.told(CaseAccepted)) == 1


def test_a_clock_that_jumps_for_months_fires_what_it_missed_in_the_order_of_days() -> None:
    case = Case(LATER, later=("tax",))
    case.go_to(date(2026, 8, 3), asleep=True)
    assert [one.kind for one in lapse(case.file, **case.at)] == ["deemed_accepted", "promise_not_kept"]
    assert [after for after, _ in case.rules()] == ["received", "under_examination", "deemed_withdrawn"]
    assert case.told(CaseAccepted)[0].accepted_on == MONDAY


def test_a_clock_that_jumps_back_undoes_nothing() -> None:
    case = Case()
    case.go_to(date(2026, 3, 10))
    known = case.snapshot()
    case.today = MONDAY
    assert lapse(case.file, **case.at) == []
    assert case.snapshot() == known


def test_delivery_limits_do_not_end_a_case() -> None:
    case = Case(changed(committed_limit=Limit(amount=5)))
    case.agree("accept", "police_opinion", "transport_opinion", "examine", "decide")
    case.go_to(date(2026, 6, 30))
    assert (case.state, case.open()) == ("approved", ["plate"])
