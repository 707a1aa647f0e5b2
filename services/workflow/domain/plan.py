"""The plan of one case: which of the item's steps apply to it, and which may start when.

A step that does not apply hands on what it waits for, so that leaving it out never lets a later one start early.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from contracts.item import Condition, Item, MaterialRule, PlanStep, StepKind

RULING = ".ruling"
COMMITMENT_CHECK = "commitment_check"
EXAMINING: frozenset[StepKind] = frozenset({"examination", "opinion", "ruling"})
BEFORE_ACCEPTANCE: frozenset[StepKind] = frozenset({"pre_review", "acceptance"})
_LEFT_OUT_BY_COMMITMENT: frozenset[StepKind] = frozenset({"pre_review", "opinion", "examination", "ruling"})


def holds(conditions: Iterable[Condition], form: Mapping[str, Any]) -> bool:
    """Whether the form's answers meet all conditions; a field that is not answered meets none."""
    return all(_holds(condition, form.get(condition.field)) for condition in conditions)


def _holds(condition: Condition, answer: Any) -> bool:
    if answer is None:
        return False
    if condition.one_of and not any(_same(answer, value) for value in condition.one_of):
        return False
    if condition.at_least is None and condition.at_most is None:
        return True
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return False
    return (condition.at_least is None or answer >= condition.at_least) and (
        condition.at_most is None or answer <= condition.at_most
    )


def _same(answer: Any, value: Any) -> bool:
    """1 and 1.0 are the same answer, 1 and true are not; of several choices (a list) one is enough."""
    if isinstance(answer, list):
        return any(_same(one, value) for one in answer)
    return isinstance(answer, bool) == isinstance(value, bool) and bool(answer == value)


def applicable_materials(item: Item, form: Mapping[str, Any]) -> tuple[MaterialRule, ...]:
    """The guide's materials for these answers: nothing else may be asked for."""
    return tuple(rule for rule in item.materials if holds(rule.when, form))


def plan_of(item: Item, form: Mapping[str, Any], *, commitment: bool = False) -> tuple[PlanStep, ...]:
    """The steps that apply, in the item's order.

    ``commitment``: the decision comes at once and the check after it (告知承诺); otherwise there is no check.
    """
    out = {step.step for step in item.plan if not holds(step.when, form) or _left_out(step.kind, commitment)}
    if not out:
        kept = item.plan
    else:
        waits = {step.step: step.after for step in item.plan}
        kept = tuple(
            msgspec.structs.replace(step, after=_handed_on(step.after, waits, out))
            for step in item.plan
            if step.step not in out
        )
    if commitment and not any(step.kind == "check" for step in kept):
        return (*kept, _check(item, kept))
    return kept


def _left_out(kind: StepKind, commitment: bool) -> bool:
    return kind in _LEFT_OUT_BY_COMMITMENT if commitment else kind == "check"


def _handed_on(after: Sequence[str], waits: Mapping[str, Sequence[str]], out: set[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in after:
        names = _handed_on(waits[name], waits, out) if name in out else (name,)
        found |= dict.fromkeys(names)
    return tuple(found)


def _check(item: Item, plan: Sequence[PlanStep]) -> PlanStep:
    """The later check of what was promised, by the lead department."""
    assert item.commitment is not None
    return PlanStep(
        step=COMMITMENT_CHECK,
        name="承诺核查",
        name_en="Check of the commitment",
        department=item.lead_department,
        kind="check",
        limit_working_days=item.commitment.check_within.amount,
        limit=item.commitment.check_within,
        after=tuple(step.step for step in plan if step.kind == "decision"),
    )


def ruling_on(item: Item, objection: PlanStep) -> PlanStep:
    """牵头部门裁决: the lead department rules on another's objection before anybody goes on."""
    return PlanStep(
        step=objection.step + RULING,
        name=f"{objection.name}的裁决",
        name_en=f"Ruling on {objection.name_en}",
        department=item.lead_department,
        kind="ruling",
        limit_working_days=objection.limit_working_days,
        limit=objection.limit,
        after=(objection.step,),
        materials=objection.materials,
        fields=objection.fields,
    )


def needs_ruling(item: Item, plan: Sequence[PlanStep], step: PlanStep) -> bool:
    """Whether an objection at ``step`` goes to a ruling of its own: not the lead's, and no later step of the lead, which
    sees the objection there anyway, examines, rules or decides. Source: 行政许可法 §26, 一个部门受理、统一办理.
    """
    if step.kind not in ("opinion", "examination") or step.department == item.lead_department:
        return False
    following = _following(plan, {step.step})
    weighing = ("examination", "ruling", "decision")
    return not any(
        s.department == item.lead_department and s.kind in weighing and s.step != step.step
        for s in plan
        if s.step in following
    )


def after_decision(plan: Sequence[PlanStep]) -> frozenset[str]:
    """The steps that are for what follows a decision to grant: delivery, check, and all that waits for the decision."""
    decisions = {step.step for step in plan if step.kind == "decision"}
    late = {step.step for step in plan if step.kind in ("delivery", "check")}
    return frozenset(_following(plan, decisions | late) - decisions)


def _following(plan: Sequence[PlanStep], names: set[str]) -> set[str]:
    """The named steps and all that wait for them, directly or not."""
    found, grown = set(names), True
    while grown:
        more = {step.step for step in plan if found.intersection(step.after)} - found
        found |= more
        grown = bool(more)
    return found


def startable(plan: Sequence[PlanStep], *, done: Iterable[str], begun: Iterable[str]) -> list[PlanStep]:
    """Steps not yet begun whose predecessors are all done, in the plan's order: they run in parallel."""
    finished, started = set(done), set(begun)
    return [step for step in plan if step.step not in started and finished.issuperset(step.after)]


def step_named(plan: Sequence[PlanStep], name: str) -> PlanStep:
    """The step called ``name``."""
    return next(step for step in plan if step.step == name)
