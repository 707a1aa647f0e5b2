"""The statutory clock: every rule by example, explained, and against an oracle that shares no code."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from chassis.errors import Refusal
from contracts.case import CaseExtended, CaseSpecialProcedureEnded, CaseSpecialProcedureStarted
from contracts.item import Batch, Extension, Limit, SpecialProcedure
from faults.clock_oracle import WORK_2025_2026, days, last_day
from faults.clocks import compare, find_planted
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain.clocks import clocks_of
from services.workflow.domain.deadline import CalendarMissing, Halt, due
from services.workflow.domain.special_procedure import begin_special_procedure, end_special_procedure, extend
from services.workflow.domain.states import CaseState
from tests.services.workflow.pure import LEAD, MONDAY, Case, changed, with_steps

REVIEW = SpecialProcedure(code="review", name="专家评审", name_en="Expert review", longest=Limit(amount=30))
WD = "working_day"


def test_the_calendar_is_that_of_the_state_councils_notices() -> None:
    every = days(date(2025, 1, 1), date(2026, 12, 31))
    assert [day for day in every if holiday_calendar(day).working != (day in WORK_2025_2026)] == []
    assert all(holiday_calendar(day).published for day in every)


def test_a_year_that_is_not_published_is_provisional_if_it_is_the_next_and_missing_if_it_is_later() -> None:
    last = next(y for y in range(2026, 2100) if not holiday_calendar(date(y + 1, 3, 1)).published)
    assert due(date(last, 12, 28), Limit(amount=10), holiday_calendar).provisional
    assert not due(date(last, 3, 2), Limit(amount=10), holiday_calendar).provisional
    with pytest.raises(CalendarMissing) as missing:
        due(date(last, 12, 28), Limit(amount=13, unit="month"), holiday_calendar)
    assert (missing.value.code, missing.value.facts["year"]) == ("calendar_missing", last + 2)


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        (date(2026, 2, 12), Limit(amount=3), date(2026, 2, 24)),  # 调休: Saturday 14 is worked; then Spring Festival
        (date(2026, 1, 31), Limit(amount=1, unit="month"), date(2026, 2, 28)),  # no 31st; Saturday 28 is worked
        (date(2026, 3, 31), Limit(amount=1, unit="month"), date(2026, 4, 30)),
        (date(2025, 12, 31), Limit(amount=30, unit="day"), date(2026, 1, 30)),
        (date(2026, 4, 5), Limit(amount=30, unit="day"), date(2026, 5, 6)),  # 5 May is a holiday
        (date(2024, 2, 29), Limit(amount=12, unit="month"), date(2025, 2, 28)),
    ],
)
def test_units(start: date, limit: Limit, expected: date) -> None:
    assert due(start, limit, holiday_calendar).on == expected


def test_a_halt_moves_the_last_day_by_what_it_covers_and_an_overlap_counts_once() -> None:
    limit = Limit(amount=5)
    assert due(MONDAY, limit, holiday_calendar).on == MONDAY + timedelta(days=7)
    halt = Halt(MONDAY + timedelta(days=1), MONDAY + timedelta(days=3))  # Wednesday and Thursday do not count
    assert due(MONDAY, limit, holiday_calendar, halts=[halt]).on == MONDAY + timedelta(days=9)
    assert due(MONDAY, limit, holiday_calendar, halts=[halt, halt]).on == MONDAY + timedelta(days=9)
    later = Halt(MONDAY + timedelta(days=30), MONDAY + timedelta(days=40))
    assert due(MONDAY, limit, holiday_calendar, halts=[later]).on == MONDAY + timedelta(days=7)


def test_random_histories_agree_with_the_oracle() -> None:
    histories, dates, wrong = compare(1_000_000, 120)
    assert wrong == []
    assert dates > histories * 5


def test_planted_bugs_are_found_by_the_same_histories() -> None:
    assert [bug for bug, found in find_planted(25).items() if not found] == []


def accepted(**fields: object) -> Case:
    case = Case(changed(special_procedures=(REVIEW,), **fields))
    case.agree("accept")
    return case


def test_a_special_procedure_stops_the_case_and_its_tasks_for_the_time_announced() -> None:
    case = accepted()
    due_before, task_before = case.file.due_on, case.task("police_opinion").due_on
    case.go_to(MONDAY + timedelta(days=1))
    begin_special_procedure(case.file, "review", Limit(amount=5), reason="线路安全论证", by=LEAD, **case.at)
    assert case.state == "special_procedure"
    [started] = case.told(CaseSpecialProcedureStarted)
    assert started.until == date(2026, 3, 10)
    assert {moved.task_id for moved in started.tasks} == {t.task_id for t in case.file.open_tasks()}
    assert due_before is not None
    for clock, before in ((case.file.due_on, due_before), (case.task("police_opinion").due_on, task_before)):
        assert clock is not None
        assert sum(day in WORK_2025_2026 for day in days(before, clock)[1:]) == 5
    with pytest.raises(Refusal, match="move_not_allowed"):
        begin_special_procedure(case.file, "review", Limit(amount=5), reason="x", by=LEAD, **case.at)


def test_a_procedure_that_ends_early_gives_the_rest_back_and_another_may_follow() -> None:
    case = accepted()
    plain = case.file.due_on
    begin_special_procedure(case.file, "review", Limit(amount=5), reason="x", by=LEAD, **case.at)
    case.go_to(MONDAY + timedelta(days=2))
    end_special_procedure(case.file, why="评审完毕", by=LEAD, **case.at)
    [ended] = case.told(CaseSpecialProcedureEnded)
    assert (case.state, ended.expired, ended.ended_on) == ("under_examination", False, case.today)
    assert plain is not None
    assert case.file.due_on == plain + timedelta(days=2)
    begin_special_procedure(case.file, "review", Limit(amount=5), reason="y", by=LEAD, **case.at)
    assert case.file.due_on == last_day(
        MONDAY, 11, WD, WORK_2025_2026.__contains__, [(s.began, s.ended or s.until) for s in case.file.clock.stops]
    )


def test_a_procedure_that_nobody_ends_ends_on_its_last_day_and_is_told_as_expired() -> None:
    case = accepted()
    begin_special_procedure(case.file, "review", Limit(amount=5), reason="x", by=LEAD, **case.at)
    case.go_to(date(2026, 3, 9))
    assert case.state == "special_procedure"
    case.go_to(date(2026, 3, 10))
    [ended] = case.told(CaseSpecialProcedureEnded)
    assert (case.state, ended.expired, ended.ended_on) == ("under_examination", True, date(2026, 3, 9))


def test_a_procedure_longer_than_the_guides_or_none_of_its_is_refused() -> None:
    case = accepted()
    before = case.snapshot()
    for code, days_, refusal in (
        ("review", 31, "special_procedure_too_long"),
        ("auction", 3, "special_procedure_unknown"),
    ):
        with pytest.raises(Refusal, match=refusal):
            begin_special_procedure(case.file, code, Limit(amount=days_), reason="x", by=LEAD, **case.at)
    assert case.snapshot() == before


def test_nobody_decides_while_the_clock_stands_still() -> None:
    case = accepted()
    case.agree("police_opinion", "transport_opinion", "examine")
    begin_special_procedure(case.file, "review", Limit(amount=5), reason="x", by=LEAD, **case.at)
    before = case.snapshot()
    with pytest.raises(Refusal, match="move_not_allowed"):
        case.answer("decide")
    assert case.snapshot() == before


def extension(case: Case, rank: str = "agency_head") -> None:
    extend(case.file, reason="案情复杂", approved_by="周局长", rank=rank, by=LEAD, **case.at)  # type: ignore[arg-type]


def test_an_extension_is_granted_once_by_the_rank_the_law_names() -> None:
    case = accepted()
    before = case.file.statutory_due_on
    extension(case)
    assert case.file.statutory_due_on == last_day(MONDAY, 30, WD, WORK_2025_2026.__contains__)
    assert case.file.statutory_due_on != before
    [told] = case.told(CaseExtended)
    assert (told.reason, told.approved_by, told.due_on) == ("案情复杂", "周局长", case.file.due_on)
    known = case.snapshot()
    with pytest.raises(Refusal, match="already_extended"):
        extension(case)
    assert case.snapshot() == known


def test_joint_handling_has_forty_five_and_fifteen_days_and_asks_the_government() -> None:
    case = accepted(joint=True, statutory_limit=Limit(amount=45), committed_limit=Limit(amount=45))
    known = case.snapshot()
    with pytest.raises(Refusal, match="approver_rank_too_low"):
        extension(case)
    assert case.snapshot() == known
    extension(case, "government_head")
    assert case.file.due_on == last_day(MONDAY, 60, WD, WORK_2025_2026.__contains__)


def test_what_is_no_licence_is_extended_only_as_its_guide_says_and_not_after_its_time() -> None:
    case = accepted(item_type="07")
    with pytest.raises(Refusal, match="extension_not_allowed"):
        extension(case)
    own = Extension(limit=Limit(amount=1, unit="month"), approver="agency_head")
    case = accepted(item_type="07", extension=own)
    case.go_to(MONDAY + timedelta(days=60))
    with pytest.raises(Refusal, match="extension_too_late"):
        extension(case)
    assert case.file.clock.extended is None


def test_the_clock_of_a_round_starts_when_it_closes() -> None:
    spring = Batch(name="春季", name_en="Spring", opens=MONDAY, closes=MONDAY + timedelta(days=25))
    month = Limit(amount=30, unit="day")
    case = accepted(batches=(spring,), clock_starts_on="batch_closed", committed_limit=month, statutory_limit=month)
    assert case.file.due_on == last_day(spring.closes, 30, "day", WORK_2025_2026.__contains__)


def test_each_department_has_a_clock_of_its_own() -> None:
    item = with_steps(
        changed(),
        police_opinion={"limit": Limit(amount=3)},
        transport_opinion={"limit": Limit(amount=20, unit="day"), "starts_on": "received"},
    )
    case = Case(item)
    case.go_to(MONDAY + timedelta(days=2))
    case.agree("accept")
    assert case.task("police_opinion").due_on == date(2026, 3, 9)
    assert case.task("transport_opinion").due_on == date(2026, 3, 23)  # Sunday 22 moves to Monday


def test_explain_lists_each_rule_that_made_a_date_from_where_to_where() -> None:
    case = Case(with_steps(changed(special_procedures=(REVIEW,)), police_opinion={"stage": "联审"}))
    case.agree("accept")
    begin_special_procedure(case.file, "review", Limit(amount=2), reason="x", by=LEAD, **case.at)
    extension_before = case.file.due_on
    extension(case)
    clocks = {(clock.scope, clock.subject): clock for clock in clocks_of(case.file, holiday_calendar)}
    whole = clocks["case_committed", case.file.case_no]
    assert [rule.code for rule in whole.rules] == ["start", "limit", "halt", "extension"]
    assert whole.rules[-1].before == extension_before
    assert (whole.due_on, whole.stopped) == (case.file.due_on, True)
    for clock in clocks.values():
        assert clock.rules[-1].after == clock.due_on
        assert (
            all(a.after == b.before for a, b in zip(clock.rules, clock.rules[1:], strict=False))
            or clock.scope == "stage"
        )
        assert all(" / " in rule.says and rule.source for rule in clock.rules)
    assert clocks["stage", "联审"].due_on == case.task("police_opinion").due_on
    assert {scope for scope, _ in clocks} == {"acceptance", "case_committed", "case_statutory", "stage", "task"}


def test_the_days_of_acceptance_begin_anew_when_the_applicant_has_corrected() -> None:
    case = Case()
    case.complain("accept", "application")
    case.go_to(MONDAY + timedelta(days=8))
    case.correct("application")
    assert (case.file.state, case.file.accepted_on, case.file.due_on) == (CaseState.RECEIVED, None, None)
    assert case.file.accept_by == last_day(case.today, 5, WD, WORK_2025_2026.__contains__)
    acceptance = clocks_of(case.file, holiday_calendar)[0]
    assert [rule.code for rule in acceptance.rules] == ["start", "limit", "restart"]
