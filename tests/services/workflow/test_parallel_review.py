"""并联审查: each department sees its part, all corrections go into one notice, and nobody's silence is a yes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from chassis.errors import Refusal
from contracts.case import CaseApproved, CaseCorrectionRequested
from contracts.item import Condition, PlanStep
from contracts.task import OpinionRecorded, TaskAssigned, TaskCancelled, TaskReassigned
from services.workflow.domain import lifecycle
from services.workflow.domain.case_parts import Policy
from services.workflow.domain.plan import holds, needs_ruling
from services.workflow.domain.reassignment import reassign
from tests.factories.items import make_item
from tests.services.workflow.pure import LEAD, MONDAY, PERSON, Case, changed, rule, with_steps

TUESDAY = MONDAY + timedelta(days=1)
PARTS = with_steps(
    changed(materials=(rule("application"), rule("vehicle"), rule("route", required=False))),
    police_opinion={"materials": ("vehicle",), "fields": ("plate",)},
    transport_opinion={"materials": ("route", "application"), "fields": ("seats",)},
)
"""Police sees the vehicle and the plate, transport the route, the application and the seats."""


def parallel(item=PARTS, **more) -> Case:  # type: ignore[no-untyped-def]
    case = Case(item, papers=("application", "vehicle"), form={"plate": "鲁A12345", "seats": 20}, **more)
    case.agree("accept")
    return case


def test_a_department_is_sent_what_its_step_needs_and_nothing_else() -> None:
    case = parallel()
    sent = {event.step: event for event in case.told(TaskAssigned)}
    assert sent["police_opinion"].form == {"plate": "鲁A12345"}
    assert [m.code for m in sent["police_opinion"].materials] == ["vehicle"]
    assert sent["transport_opinion"].form == {"seats": 20}
    assert [m.code for m in sent["transport_opinion"].materials] == ["application"]
    assert set(sent["accept"].form) == {"plate", "seats"}


@pytest.mark.parametrize(
    ("condition", "form", "met"),
    [
        (Condition(field="a", one_of=("x", 1)), {"a": "x"}, True),
        (Condition(field="a", one_of=("x", 1)), {"a": 1.0}, True),
        (Condition(field="a", one_of=(1,)), {"a": True}, False),
        (Condition(field="a", one_of=("x",)), {"a": ["y", "x"]}, True),
        (Condition(field="a", at_least=7, at_most=9), {"a": 9}, True),
        (Condition(field="a", at_least=7), {"a": 6.5}, False),
        (Condition(field="a", at_least=7), {"a": "8"}, False),
        (Condition(field="a"), {}, False),
        (Condition(field="a"), {"a": None}, False),
        (Condition(field="a"), {"a": 0}, True),
    ],
)
def test_conditions_on_answers(condition: Condition, form: dict[str, object], met: bool) -> None:
    assert holds((condition,), form) is met


def test_a_step_that_does_not_apply_is_left_out_and_nobody_starts_early_for_it() -> None:
    big = Condition(field="seats", at_least=20)
    item = with_steps(make_item(opinions=("police",)), police_opinion={"when": (big,)})
    small = Case(item, form={"plate": "鲁A12345", "seats": 8})
    assert small.open() == ["accept"]  # examine waits for what the step left out waited for
    small.agree("accept")
    assert small.open() == ["examine"]
    large = Case(item, form={"plate": "鲁A12345", "seats": 20})
    large.agree("accept")
    assert large.open() == ["police_opinion"]


def test_corrections_of_several_departments_go_into_one_notice() -> None:
    case = parallel()
    case.complain("police_opinion", "vehicle")
    assert (case.state, case.told(CaseCorrectionRequested)) == ("under_examination", [])  # transport is still at work
    case.complain("transport_opinion", "route", "application")
    [notice] = case.told(CaseCorrectionRequested)
    assert [(d.department, d.material_code) for d in notice.defects] == [
        ("police", "vehicle"),
        ("transport", "route"),
        ("transport", "application"),
    ]
    assert (case.state, notice.correct_by) == ("awaiting_correction", case.file.correct_by)


def test_the_window_does_not_wait_for_ever_for_the_neighbours() -> None:
    case = parallel(policy=Policy(correction_window_days=2))
    case.complain("police_opinion", "vehicle")
    case.go_to(TUESDAY)
    assert case.state == "under_examination"
    case.go_to(MONDAY + timedelta(days=2))
    assert (case.state, case.open()) == ("awaiting_correction", ["transport_opinion"])
    before = case.snapshot()
    with pytest.raises(Refusal, match="second_correction_refused"):
        case.complain("transport_opinion", "route")
    assert case.snapshot() == before
    case.agree("transport_opinion")
    assert (case.state, len(case.told(CaseCorrectionRequested))) == ("awaiting_correction", 1)
    case.correct("vehicle")
    assert case.open() == ["police_opinion"]  # transport does not see the vehicle


def test_before_acceptance_the_notice_goes_out_within_the_laws_five_days() -> None:
    gate = make_item().plan[0]
    other = replace(gate, step="look", department="police", kind="opinion")
    item = changed(plan=(gate, other, *make_item().plan[1:]))
    case = Case(item, policy=Policy(correction_window_days=5))
    case.go_to(MONDAY + timedelta(days=4))
    case.complain("look", "application")
    assert case.file.notice_by == case.file.accept_by == date(2026, 3, 9)
    case.go_to(date(2026, 3, 9))
    assert (case.state, case.file.accepted_on) == ("awaiting_correction", None)


def test_who_takes_in_may_refuse_while_a_correction_is_waited_for() -> None:
    gate = make_item().plan[0]
    other = replace(gate, step="look", department="police", kind="opinion")
    case = Case(changed(plan=(gate, other, *make_item().plan[1:])), policy=Policy(correction_window_days=1))
    case.complain("look", "application")
    case.go_to(TUESDAY)
    assert (case.state, case.open()) == ("awaiting_correction", ["accept"])
    case.answer("accept", "disagree", reason="不属于本机关职权")
    assert (case.state, case.open()) == ("not_accepted", [])


def test_only_departments_whose_part_changed_look_again() -> None:
    case = parallel()
    case.agree("transport_opinion")
    case.complain("police_opinion", "application")
    case.correct("application")
    assert case.open() == ["police_opinion", "transport_opinion"]  # transport had agreed to the old application
    assert {case.task(step).round for step in ("police_opinion", "transport_opinion")} == {2}
    case = parallel()
    case.agree("transport_opinion")
    case.complain("police_opinion", "vehicle")
    case.correct("vehicle")
    assert case.open() == ["police_opinion"]


def test_who_is_still_at_work_gets_the_corrected_material() -> None:
    case = parallel(policy=Policy(correction_window_days=1))
    case.complain("police_opinion", "application")
    case.go_to(TUESDAY)
    case.correct("application")
    assert [(t.step, t.round) for t in case.file.open_tasks()] == [("police_opinion", 2), ("transport_opinion", 2)]
    [cancelled] = case.told(TaskCancelled)
    assert (cancelled.department, cancelled.reason) == ("transport", "materials_changed")
    assert case.told(TaskAssigned)[-1].materials[0].material_id == "m-application-2"


def test_a_demand_for_what_the_frozen_guide_does_not_name_for_these_answers_is_refused() -> None:
    foreign = Condition(field="foreign", one_of=(True,))
    case = Case(changed(materials=(rule("application"), rule("visa", when=(foreign,)))))
    case.agree("accept")
    before = case.snapshot()
    for code in ("gift", "visa"):
        with pytest.raises(Refusal, match="material_not_in_guide"):
            case.complain("police_opinion", code)
    assert case.snapshot() == before


def led_by_nobody_else(*, ruling: bool = True) -> Case:
    """The lead accepts, two departments give opinions, the government decides: nobody of the lead looks at objections."""
    plan = [step for step in make_item(delivery=False).plan if step.step != "examine"]
    last = replace(plan[-1], after=("police_opinion", "transport_opinion"))
    case = Case(changed(plan=(*plan[:-1], last)))
    case.agree("accept", "transport_opinion")
    if ruling:
        case.answer("police_opinion", "disagree", reason="线路经过施工路段")
    return case


def test_an_objection_goes_to_the_lead_departments_ruling_before_the_decision() -> None:
    case = led_by_nobody_else()
    assert case.open() == ["police_opinion.ruling"]
    [sent] = [event for event in case.told(TaskAssigned) if event.duty == "ruling"]
    assert (sent.department, sent.kind, sent.prior_opinions[0].reason) == (
        "education",
        "examination",
        "线路经过施工路段",
    )
    before = case.snapshot()
    with pytest.raises(Refusal, match="reason_required"):
        case.answer("police_opinion.ruling")
    with pytest.raises(Refusal, match="verdict_not_allowed"):
        case.complain("police_opinion.ruling", "application")
    assert case.snapshot() == before
    case.answer("police_opinion.ruling", "agree", reason="施工已结束")
    assert case.open() == ["decide"]
    seen = case.told(TaskAssigned)[-1].prior_opinions
    assert [(o.step, o.verdict) for o in seen] == [
        ("police_opinion", "disagree"),
        ("transport_opinion", "agree"),
        ("police_opinion.ruling", "agree"),
    ]
    case.agree("decide")
    assert case.state == "approved"


def test_granting_against_an_objection_that_was_upheld_requires_a_reason() -> None:
    case = led_by_nobody_else()
    case.answer("police_opinion.ruling", "disagree", reason="确有隐患")
    before = case.snapshot()
    with pytest.raises(Refusal, match="reason_required"):
        case.answer("decide")
    assert case.snapshot() == before
    case.answer("decide", reason="已绕行")
    assert case.state == "approved"


def test_where_the_lead_examines_or_decides_later_it_weighs_the_objection_there() -> None:
    item = make_item()
    assert not needs_ruling(item, item.plan, next(s for s in item.plan if s.step == "police_opinion"))
    case = Case(item)
    case.agree("accept", "transport_opinion")
    case.answer("police_opinion", "disagree", reason="x")
    assert case.open() == ["examine"]


def test_a_silent_department_is_never_consent() -> None:
    case = parallel()
    case.agree("transport_opinion")
    case.go_to(MONDAY + timedelta(days=200))
    assert (case.state, case.open()) == ("under_examination", ["police_opinion"])
    assert case.told(CaseApproved) == []


def test_conditions_of_agreement_are_carried_to_the_decision_and_the_licence() -> None:
    case = Case()
    case.agree("accept")
    case.answer("police_opinion", conditions=("冬季限速四十公里",))
    case.answer("transport_opinion", conditions=("冬季限速四十公里", "每车配照管员"))
    assert [e.conditions for e in case.told(OpinionRecorded)][1:] == [
        ("冬季限速四十公里",),
        ("冬季限速四十公里", "每车配照管员"),
    ]
    examine = case.told(TaskAssigned)[-1]
    assert {c for o in examine.prior_opinions for c in o.conditions} == {"冬季限速四十公里", "每车配照管员"}
    before = case.snapshot()
    with pytest.raises(Refusal, match="conditions_not_allowed"):
        case.answer("examine", "disagree", reason="x", conditions=("y",))
    assert case.snapshot() == before
    case.agree("examine", "decide")
    [approved] = case.told(CaseApproved)
    assert approved.conditions == ("冬季限速四十公里", "每车配照管员")


def test_two_different_officers_sign_where_the_step_asks_for_two() -> None:
    case = Case(with_steps(make_item(), police_opinion={"officers": 2}))
    case.agree("accept")
    before = case.snapshot()
    with pytest.raises(Refusal, match="officer_required"):
        case.answer("police_opinion")
    assert case.snapshot() == before
    first = case.answer("police_opinion", officer="李", account_id="a-li")
    assert (first.state, case.told(OpinionRecorded)[-1].step) == ("open", "accept")
    before = case.snapshot()
    for again, code in (
        ({"officer": "李", "account_id": "a-li"}, "second_officer_required"),
        ({"officer": "王", "account_id": "a-wang", "verdict": "disagree", "reason": "x"}, "signatures_differ"),
    ):
        with pytest.raises(Refusal, match=code):
            case.answer("police_opinion", **again)
    assert case.snapshot() == before
    second = case.answer("police_opinion", officer="王", account_id="a-wang")
    assert (second.state, second.officer, len(second.signatures)) == ("answered", "李、王", 2)
    # neither of the two decides the case
    case.agree("transport_opinion", "examine")
    for account in ("a-li", "a-wang"):
        with pytest.raises(Refusal, match="decider_is_examiner"):
            case.answer("decide", officer="x", account_id=account)


def test_a_departments_system_names_both_officers_in_one_answer() -> None:
    case = Case(with_steps(make_item(), police_opinion={"officers": 2}))
    case.agree("accept")
    assert [event.officers for event in case.told(TaskAssigned)] == [1, 2, 1]
    assert case.answer("police_opinion", officer="李、 李").state == "open"  # one man is one signature
    case.answer("police_opinion", officer="王")
    assert (case.task("police_opinion").state, case.task("police_opinion").officer) == ("answered", "李、王")
    other = Case(with_steps(make_item(), police_opinion={"officers": 2}))
    other.agree("accept")
    assert other.answer("police_opinion", officer="李、王").state == "answered"


def give_to(case: Case, step: str, **to: str | None) -> None:
    task = case.task(step)
    target = {"department": None, "officer": None} | to
    reassign(case.file, task.task_id, reason="辖区调整", by=LEAD, **target, **case.at)  # type: ignore[arg-type]


def test_the_lead_gives_a_task_to_another_department_in_a_new_round_with_a_clock_of_its_own() -> None:
    case = parallel()
    case.go_to(TUESDAY)
    give_to(case, "police_opinion", department="police_north")
    task = case.task("police_opinion")
    assert (task.department, task.round, task.due_on) == ("police_north", 2, date(2026, 3, 6))
    assert [event.reason for event in case.told(TaskCancelled)] == ["reassigned"]
    assert case.told(TaskReassigned)[0].new_task_id == task.task_id
    assert case.told(TaskAssigned)[-1].department == "police_north"
    with pytest.raises(Refusal, match="task_of_another_department"):
        case.answer("police_opinion", department="police")
    case.agree("police_opinion", "transport_opinion")
    assert case.open() == ["examine"]


def test_a_task_given_to_one_officer_is_answered_by_no_other() -> None:
    case = parallel()
    give_to(case, "police_opinion", officer="a-li")
    before = case.snapshot()
    with pytest.raises(Refusal, match="task_of_another_officer"):
        case.answer("police_opinion", account_id="a-wang")
    assert case.snapshot() == before
    case.answer("police_opinion", account_id="a-li")
    with pytest.raises(Refusal, match="opinion_too_late"):
        give_to(case, "police_opinion", officer="a-wang")
    with pytest.raises(Refusal, match="reassignment_empty"):
        give_to(case, "transport_opinion", department="transport")


def test_a_case_that_ends_early_calls_its_departments_off() -> None:
    side = PlanStep(
        step="census",
        name="普查",
        name_en="census",
        department="stats",
        kind="opinion",
        limit_working_days=9,
        after=("accept",),
    )
    item = changed(plan=(*make_item().plan, side))
    case = Case(item)
    case.agree("accept", "police_opinion", "transport_opinion", "examine", "decide")
    assert (case.state, case.open()) == ("approved", ["plate"])
    assert [(e.department, e.reason) for e in case.told(TaskCancelled)] == [("stats", "case_decided")]
    case.agree("plate")
    lifecycle.record_licence(case.file, "1.2", now=case.now)
    assert case.state == "closed"
    other = Case(item)
    other.agree("accept")
    lifecycle.withdraw(other.file, by=PERSON, reason="x", now=other.now)
    assert {e.department for e in other.told(TaskCancelled)} == {"police", "transport", "stats"}
