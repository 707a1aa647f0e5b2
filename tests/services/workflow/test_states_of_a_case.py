"""The table of states: what is not in it is refused with from, to and the rule, and every way through it ends."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chassis.errors import Refusal
from contracts.case import CaseApproved, CaseCorrectionRequested, CaseDenied, Defect
from contracts.item import Limit, SpecialProcedure
from services.workflow.domain import lifecycle
from services.workflow.domain.lapse import lapses, wake_on
from services.workflow.domain.opinion import Opinion, give_opinion
from services.workflow.domain.special_procedure import begin_special_procedure, end_special_procedure, extend
from services.workflow.domain.states import NEXT, TERMINAL, UNDECIDED, CaseState
from tests.services.workflow.pure import LEAD, PERSON, Case, changed, paper, rule

PAIRS = [(a, b) for a, b in itertools.product(CaseState, CaseState) if b not in NEXT[a]]


def test_every_state_is_in_the_table_and_can_be_reached_and_left() -> None:
    assert set(NEXT) == set(CaseState)
    reached = {CaseState.RECEIVED}
    while more := {to for state in reached for to in NEXT[state]} - reached:
        reached |= more
    assert reached == set(CaseState)
    for state in CaseState:
        ends = {state}
        while more := {to for s in ends for to in NEXT[s]} - ends:
            ends |= more
        assert ends & TERMINAL, state
    assert all(basis for exits in NEXT.values() for basis in exits.values())


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
def test_what_is_not_in_the_table_is_refused_with_from_to_and_the_rule(before: CaseState, after: CaseState) -> None:
    case = Case()
    case.file.state = before
    known = case.snapshot()
    with pytest.raises(Refusal) as refused:
        case.file.move(after, at=case.now, by="system", why="x")
    assert refused.value.code == "move_not_allowed"
    facts = refused.value.facts
    assert (facts["state"], facts["to"], set(facts["allowed"])) == (before, after, {s.value for s in NEXT[before]})
    assert facts["rule"]
    assert case.snapshot() == known


def test_every_move_is_kept_with_its_rule_and_the_channel_it_came_by() -> None:
    case = Case(channel="window", doer=LEAD)
    case.answer("accept", channel="api")
    kept = [(m.before, m.after, m.rule, m.channel) for m in case.file.transitions]
    assert kept == [
        (None, "received", "行政许可法 §29", "window"),
        ("received", "under_examination", "行政许可法 §32", "api"),
    ]


def test_pre_review_comes_before_acceptance_and_gives_the_case_back() -> None:
    item = changed()
    gate = item.plan[0]
    before = replace(gate, step="look", kind="pre_review", limit_working_days=1)
    item = changed(item, plan=(before, replace(gate, after=("look",)), *item.plan[1:]))
    case = Case(item)
    assert (case.state, case.open(), case.task("look").due_on) == (
        "pre_review",
        ["look"],
        case.today + timedelta(days=1),
    )
    with pytest.raises(Refusal, match="verdict_not_allowed"):
        case.answer("look", "disagree", reason="x")
    case.complain("look", "application")
    assert case.state == "awaiting_correction"
    case.correct("application")
    assert (case.state, case.task("look").round) == ("pre_review", 2)
    case.agree("look")
    assert (case.state, case.open()) == ("received", ["accept"])
    case.agree("accept")
    assert case.state == "under_examination"


def test_a_case_that_lost_its_object_is_terminated_and_its_departments_are_told() -> None:
    case = Case()
    case.agree("accept")
    lifecycle.terminate(case.file, by=LEAD, reason="申请单位已注销", now=case.now)
    assert (case.state, case.open()) == ("terminated", [])
    assert case.file.closed_at == case.now
    with pytest.raises(Refusal, match="move_not_allowed"):
        lifecycle.withdraw(case.file, by=PERSON, reason="x", now=case.now)


STOPPABLE = changed(
    special_procedures=(SpecialProcedure(code="r", name="评审", name_en="review", longest=Limit(amount=20)),),
    materials=(rule("application"), rule("route_plan", required=False), rule("tax", later_working_days=10)),
)


def wander(seed: int) -> Case:
    """Whatever anybody may try, in any order, over months."""
    rng = random.Random(seed)
    later = ("tax",) if rng.random() < 0.5 else ()
    case = Case(STOPPABLE, papers=["application"] + ([] if later else ["tax"]), later=later)
    for _ in range(rng.randint(5, 40)):
        before, state = case.snapshot(), case.file.state
        try:
            _try_something(case, rng)
        except Refusal:
            assert case.snapshot() == before, "a refusal changes nothing"
        assert case.file.state is state or case.file.transitions[-1].after is case.file.state
    return case


def _try_something(case: Case, rng: random.Random) -> None:
    file, at = case.file, case.at
    tasks = list(file.tasks.values())

    def answer() -> None:
        task = rng.choice(file.open_tasks() or tasks) if rng.random() < 0.9 else rng.choice(tasks)
        verdict = rng.choice(("agree", "agree", "agree", "disagree", "correction_needed"))
        defects = (Defect(material_code=rng.choice(("application", "route_plan", "gift")), problem="x"),)
        given = Opinion(
            task_id=task.task_id,
            department=rng.choice((task.department, task.department, task.department, "police")),
            verdict=verdict,
            reason=rng.choice(("x", "x", "")),
            defects=defects if verdict == "correction_needed" else (),
        )
        give_opinion(file, given, **at)

    def correct() -> None:
        asked = {d.material_code for t in file.latest().values() if t.verdict == "correction_needed" for d in t.defects}
        codes = rng.choice((sorted(asked), ["application"]))
        lifecycle.correct(file, [paper(code, 2) for code in codes], by=PERSON, **at)

    def stop() -> None:
        begin_special_procedure(file, "r", Limit(amount=rng.choice((3, 10, 30))), reason="x", by=LEAD, **at)

    deeds = (
        answer, answer, answer, answer, answer, correct, stop,
        lambda: end_special_procedure(file, why="x", by=LEAD, **at),
        lambda: extend(file, reason="x", approved_by="x", rank="agency_head", by=LEAD, **at),
        lambda: lifecycle.supplement(file, [paper("tax")], by=PERSON, **at),
        lambda: lifecycle.record_licence(file, "1.2", now=case.now),
        lambda: lifecycle.withdraw(file, by=PERSON, reason="x", now=case.now) if rng.random() < 0.1 else None,
        lambda: case.go_to(case.today + timedelta(days=rng.choice((1, 1, 3, 10)))),
        lambda: case.go_to(case.today + timedelta(days=rng.choice((1, 30))), asleep=True),
    )  # fmt: skip
    rng.choice(deeds)()


def test_whatever_is_tried_the_invariants_hold() -> None:
    seen: set[CaseState] = set()
    for seed in range(300):
        case = wander(seed)
        file = case.file
        seen.add(file.state)
        moves = file.transitions
        assert all(b.before is a.after for a, b in itertools.pairwise(moves)), seed
        assert all(m.before is None or m.after in NEXT[m.before] for m in moves), seed
        assert len(case.told(CaseCorrectionRequested)) <= 1, seed
        decided = [*case.told(CaseApproved), *case.told(CaseDenied)]
        assert len(decided) <= 1, seed
        assert (file.state in UNDECIDED) <= (not decided), seed
        if case.told(CaseApproved):  # silence is never consent
            steps = {"accept", "police_opinion", "transport_opinion", "examine", "decide"}
            gone = {"accept"} if any("自收到之日" in move.why for move in moves) else set()
            assert all(case.task(step).verdict is not None for step in steps - gone), seed
        if file.state in TERMINAL:
            assert (case.open(), lapses(file), wake_on(file)) == ([], [], None), seed
            assert file.closed_at is not None, seed
    assert seen >= {
        CaseState.CLOSED, CaseState.DENIED, CaseState.NOT_ACCEPTED, CaseState.WITHDRAWN, CaseState.DEEMED_WITHDRAWN,
        CaseState.UNDER_EXAMINATION,
    }  # fmt: skip
