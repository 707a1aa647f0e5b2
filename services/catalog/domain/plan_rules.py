"""What the plan of an item must keep: one acceptance opens it, one decision ends the examination, no circles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from contracts.item import PlanStep
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.problems import Problem

Graph = Mapping[str, Sequence[str]]


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
    yield from _order_rules(item, graph)
    yield from _limit_rule(item, graph)


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


def _order_rules(item: ItemDefinition, graph: Graph) -> Iterator[Problem]:
    [acceptance] = [step for step in item.plan if step.kind == "acceptance"]
    [decision] = [step for step in item.plan if step.kind == "decision"]
    before_decision = _ancestors(graph, decision.step)
    if acceptance.department != item.lead_department:
        yield Problem("plan_acceptance_not_lead", "plan", "受理应由牵头部门办理 / the lead department accepts")
    for n, step in enumerate(item.plan):
        if (step.step == acceptance.step) != (not step.after):
            yield Problem(
                "plan_acceptance_not_first",
                f"plan.{n}.after",
                "受理是唯一的首个环节 / acceptance is the first step, and the only one without predecessors",
            )
        if step.kind == "delivery":
            if decision.step not in _ancestors(graph, step.step):
                yield Problem(
                    "plan_delivery_before_decision",
                    f"plan.{n}.after",
                    "送达环节应在决定之后 / delivery comes after the decision",
                )
        elif step is not decision and step.step not in before_decision:
            yield Problem(
                "plan_step_not_before_decision",
                f"plan.{n}",
                f"决定应在环节 {step.step} 之后 / the decision must wait for step {step.step}",
            )


def _limit_rule(item: ItemDefinition, graph: Graph) -> Iterator[Problem]:
    """The clock runs from acceptance to decision; the longest way between them must fit the commitment."""
    if item.committed_limit.unit != "working_day":
        return
    [decision] = [step for step in item.plan if step.kind == "decision"]
    days = {step.step: 0 if step.kind == "acceptance" else step.limit_working_days for step in item.plan}
    longest = _longest(graph, days, decision.step)
    if longest > item.committed_limit.amount:
        yield Problem(
            "plan_exceeds_commitment",
            "plan",
            f"受理后各环节最长需{longest}个工作日，超过承诺时限 / the steps may take {longest} working days, "
            "more than the committed limit",
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


def _ancestors(graph: Graph, name: str) -> frozenset[str]:
    found: set[str] = set()
    open_names = list(graph[name])
    while open_names:
        one = open_names.pop()
        if one not in found:
            found.add(one)
            open_names.extend(graph[one])
    return frozenset(found)


def _longest(graph: Graph, days: Mapping[str, int], name: str) -> int:
    """Longest way that ends with ``name``, in days; each step is reckoned once."""
    reached: dict[str, int] = {}
    while name not in reached:
        for one, after in graph.items():
            if one not in reached and all(a in reached for a in after):
                reached[one] = days[one] + max((reached[a] for a in after), default=0)
    return reached[name]
