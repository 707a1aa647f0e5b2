"""What the plan of an item must keep: one acceptance opens it, one decision ends the examination, no circles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contracts.item import PlanStep
from services.catalog.domain.conditions import fields_of
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.plan_paths import Graph, ancestors, way_rules
from services.catalog.domain.problems import Problem

SIGNED_BY_SEVERAL = frozenset({"opinion", "examination", "check"})


def plan_rules(item: ItemDefinition) -> Iterator[Problem]:
    """Names first; the order of the steps is judged only when every name can be followed."""
    broken = [*_name_rules(item.plan), *_count_rules(item.plan)]
    yield from broken
    if broken:
        return
    graph = {step.step: step.after for step in item.plan}
    circle = _in_circle(graph)
    if circle:
        names = "、".join(circle)
        yield Problem("plan_cycle", "plan", f"环节互相等待：{names} / steps wait for each other: {names}")
        return
    wrong_order = [*_opening_rules(item), *_order_rules(item, graph), *_stage_rules(item)]
    yield from wrong_order
    yield from _duty_rules(item)
    if not any(problem.code.startswith("plan_acceptance") for problem in wrong_order):
        yield from way_rules(item)


def view_rules(item: ItemDefinition) -> Iterator[Problem]:
    """What a department sees of an application exists: materials and fields."""
    materials = {material.code for material in item.materials}
    fields = fields_of(item.form_schema)
    for n, step in enumerate(item.plan):
        for code in step.materials or ():
            if code not in materials:
                yield Problem(
                    "plan_material_unknown",
                    f"plan.{n}.materials",
                    f"部门可见材料 {code} 不存在 / the item has no material {code}",
                )
        for name in step.fields or ():
            if name not in fields:
                yield Problem(
                    "plan_field_unknown",
                    f"plan.{n}.fields",
                    f"部门可见填写项 {name} 不存在 / the form has no field {name}",
                )


def _name_rules(plan: Sequence[PlanStep]) -> Iterator[Problem]:
    known: set[str] = set()
    names = {step.step for step in plan}
    for n, step in enumerate(plan):
        if step.step in known:
            yield Problem(
                "plan_step_repeated", f"plan.{n}.step", f"环节 {step.step} 重复 / step {step.step} is repeated"
            )
        known.add(step.step)
        for name in step.after:
            if name not in names:
                yield Problem(
                    "plan_after_unknown", f"plan.{n}.after", f"前置环节 {name} 不存在 / step {name} does not exist"
                )


def _count_rules(plan: Sequence[PlanStep]) -> Iterator[Problem]:
    for kind, zh in (("acceptance", "受理"), ("decision", "决定")):
        if sum(step.kind == kind for step in plan) != 1:
            yield Problem(
                f"plan_{kind}_count", "plan", f"应有且仅有一个{zh}环节 / there must be exactly one {kind} step"
            )
    for kind, zh in (("pre_review", "预审"), ("ruling", "裁决")):
        if sum(step.kind == kind for step in plan) > 1:
            yield Problem(f"plan_{kind}_count", "plan", f"至多有一个{zh}环节 / there is at most one {kind} step")


def _opening_rules(item: ItemDefinition) -> Iterator[Problem]:
    """Acceptance opens the plan, or pre-review does and acceptance waits for nothing else."""
    [acceptance] = [step for step in item.plan if step.kind == "acceptance"]
    previews = [step for step in item.plan if step.kind == "pre_review"]
    first = previews[0] if previews else acceptance
    for n, step in enumerate(item.plan):
        if (step is first) != (not step.after):
            yield Problem(
                "plan_acceptance_not_first",
                f"plan.{n}.after",
                "受理（有预审的，预审）是唯一的首个环节 / acceptance, or a pre-review, is the first step, and the only one "
                "without predecessors",
            )
        elif previews and step is acceptance and step.after != (first.step,):
            yield Problem(
                "plan_acceptance_after_pre_review",
                f"plan.{n}.after",
                "预审之后即为受理 / acceptance follows the pre-review and waits for nothing else",
            )
        elif previews and step is not acceptance and first.step in step.after:
            yield Problem(
                "plan_acceptance_after_pre_review",
                f"plan.{n}.after",
                "受理之前不得开始其他环节 / no other step begins before acceptance",
            )


def _order_rules(item: ItemDefinition, graph: Graph) -> Iterator[Problem]:
    [decision] = [step for step in item.plan if step.kind == "decision"]
    before_decision = ancestors(graph, decision.step)
    for n, step in enumerate(item.plan):
        if step.kind in ("delivery", "check"):
            if decision.step not in ancestors(graph, step.step):
                zh = "送达" if step.kind == "delivery" else "核查"
                yield Problem(
                    f"plan_{step.kind}_before_decision",
                    f"plan.{n}.after",
                    f"{zh}环节应在决定之后 / {step.kind} comes after the decision",
                )
        elif step is not decision and step.step not in before_decision:
            yield Problem(
                "plan_step_not_before_decision",
                f"plan.{n}",
                f"决定应在环节 {step.step} 之后 / the decision must wait for step {step.step}",
            )


def _stage_rules(item: ItemDefinition) -> Iterator[Problem]:
    """A step belongs to a stage of the flow, and does not come before a step of an earlier stage."""
    order = {stage.code: n for n, stage in enumerate(item.flow) if stage.code}
    stages = {step.step: step.stage for step in item.plan}
    for n, step in enumerate(item.plan):
        if not step.stage:
            continue
        if step.stage not in order:
            yield Problem(
                "plan_stage_unknown", f"plan.{n}.stage", f"阶段 {step.stage} 不存在 / there is no stage {step.stage}"
            )
            continue
        for earlier in step.after:
            if order.get(stages[earlier], -1) > order[step.stage]:
                yield Problem(
                    "plan_stage_order",
                    f"plan.{n}.stage",
                    f"环节 {step.step} 的阶段早于其前置环节 {earlier} 的阶段 / step {step.step} follows {earlier} but belongs to "
                    "an earlier stage",
                )


def _duty_rules(item: ItemDefinition) -> Iterator[Problem]:
    """Who does what: the lead department takes in and rules, promises are checked, several officers look, rounds close."""
    for n, step in enumerate(item.plan):
        if step.kind in ("acceptance", "pre_review", "ruling") and step.department != item.lead_department:
            yield Problem(
                f"plan_{step.kind}_not_lead",
                f"plan.{n}.department",
                "预审、受理和裁决应由牵头部门办理 / the lead department pre-reviews, accepts and rules",
            )
        if step.kind == "check" and item.commitment is None:
            yield Problem(
                "plan_check_without_commitment",
                f"plan.{n}.kind",
                "没有告知承诺，不应有承诺核查 / without a commitment there is nothing to check",
            )
        if step.officers > 1 and step.kind not in SIGNED_BY_SEVERAL:
            yield Problem(
                "plan_officers_kind",
                f"plan.{n}.officers",
                "仅审查、征求意见和核查可要求多名人员 / several officers can be asked for only where something is examined",
            )
        if step.limit is not None and step.limit.amount < 1:
            yield Problem("plan_limit_zero", f"plan.{n}.limit", "环节时限应大于零 / a step needs some time")
        if step.starts_on == "batch_closed" and not item.batches:
            yield Problem(
                "batches_missing",
                f"plan.{n}.starts_on",
                "自受理期限终止起算的，应有受理批次 / a limit from the close of a round needs rounds",
            )


def _in_circle(graph: Graph) -> list[str]:
    """Steps that never become free (Kahn): those in a circle or behind one."""
    waiting = {name: set(after) for name, after in graph.items()}
    while free := [name for name, after in waiting.items() if not after]:
        for name in free:
            del waiting[name]
        for after in waiting.values():
            after.difference_update(free)
    return sorted(waiting)
