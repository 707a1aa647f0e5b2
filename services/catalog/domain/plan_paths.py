"""The ways through a plan: which steps apply together, in what order, and how long they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from contracts.item import LimitUnit, PlanStep
from services.catalog.domain.conditions import Answers, all_hold, combinations, condition_problems
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.problems import Problem

Graph = Mapping[str, Sequence[str]]
MOST_COMBINATIONS = 2048
REVIEWING = frozenset({"opinion", "examination"})


def condition_rules(item: ItemDefinition) -> Iterator[Problem]:
    """The conditions of the steps can be judged on the form; acceptance and decision apply always."""
    for n, step in enumerate(item.plan):
        if step.when and step.kind in ("acceptance", "decision"):
            yield Problem(
                "plan_step_must_apply",
                f"plan.{n}.when",
                "受理和决定环节不得附条件 / acceptance and decision always apply",
            )
        yield from condition_problems(step.when, item.form_schema, f"plan.{n}.when")


def way_rules(item: ItemDefinition) -> Iterator[Problem]:
    """For every combination of answers a way leads from acceptance to decision, is examined, and fits the commitment."""
    if any(condition_rules(item)):
        return
    found = combinations([step.when for step in item.plan], item.form_schema, MOST_COMBINATIONS)
    if found is None:
        yield Problem(
            "plan_conditions_too_many",
            "plan",
            f"环节条件的组合超过{MOST_COMBINATIONS}种 / the conditions combine in more than {MOST_COMBINATIONS} ways",
        )
        return
    used = {step.step for answers in found for step in _applying(item.plan, answers)}
    for n, step in enumerate(item.plan):
        if step.step not in used:
            yield Problem(
                "plan_step_never_applies",
                f"plan.{n}.when",
                f"环节 {step.step} 的条件不可能同时成立 / the conditions of step {step.step} can never hold together",
            )
    yield from _first_of_each_code(problem for answers in found for problem in _way_problems(item, answers))


def without(plan: Sequence[PlanStep], answers: Answers) -> dict[str, tuple[str, ...]]:
    """The graph of the steps that apply. Who waits for a step that does not waits for those that it would have waited for."""
    after = {step.step: step.after for step in plan}
    applying = [step.step for step in _applying(plan, answers)]

    def awaited(name: str) -> list[str]:
        return [one for a in after[name] for one in ([a] if a in applying else awaited(a))]

    return {name: tuple(dict.fromkeys(awaited(name))) for name in applying}


def ancestors(graph: Graph, name: str) -> frozenset[str]:
    """Every step that ``name`` waits for."""
    found: set[str] = set()
    open_names = list(graph[name])
    while open_names:
        one = open_names.pop()
        if one not in found:
            found.add(one)
            open_names.extend(graph[one])
    return frozenset(found)


def _applying(plan: Sequence[PlanStep], answers: Answers) -> list[PlanStep]:
    return [step for step in plan if all_hold(step.when, answers)]


def _way_problems(item: ItemDefinition, answers: Answers) -> Iterator[Problem]:
    graph = without(item.plan, answers)
    [acceptance] = [step.step for step in item.plan if step.kind == "acceptance"]
    [decision] = [step.step for step in item.plan if step.kind == "decision"]
    between = ancestors(graph, decision)
    said = "、".join(f"{field}={answer}" for field, answer in answers.items() if answer is not None) or "—"
    if acceptance not in between:
        yield Problem(
            "plan_no_way",
            "plan",
            f"在 {said} 的情形下，受理不能到达决定 / with {said}, no way leads from acceptance to the decision",
        )
    reviewing = {step.step for step in item.plan if step.kind in REVIEWING}
    if reviewing and not reviewing & between:
        yield Problem(
            "plan_combination_unexamined",
            "plan",
            f"在 {said} 的情形下，无任何部门审查 / with {said}, no department examines the application",
        )
    if item.committed_limit.amount == 0:
        return  # done while the applicant waits
    unit = item.committed_limit.unit
    times = {step.step: _least_time(step, unit) for step in item.plan}
    longest = _longest(graph, times, decision)
    if longest > item.committed_limit.amount:
        yield Problem(
            "plan_exceeds_commitment",
            "plan",
            f"在 {said} 的情形下，受理后各环节最长需{longest}（{unit}），超过承诺时限 / with {said}, the steps may take "
            f"{longest} ({unit}), more than the committed limit",
        )


def _least_time(step: PlanStep, unit: LimitUnit) -> int:
    """What the step's limit takes at least of a clock in ``unit`` that starts at acceptance; 0 where no bound is known.

    n working days are n days or more, a month is 28 days or more.
    """
    if step.kind in ("acceptance", "pre_review") or step.starts_on == "batch_closed":
        return 0
    limit = (step.limit.amount, step.limit.unit) if step.limit else (step.limit_working_days, "working_day")
    amount, its_unit = limit
    if its_unit == unit:
        return amount
    if unit == "day":
        return amount if its_unit == "working_day" else 28 * amount
    return amount // 31 if unit == "month" else 0


def _longest(graph: Graph, times: Mapping[str, int], name: str) -> int:
    """Longest way that ends with ``name``; each step is reckoned once."""
    reached: dict[str, int] = {}
    while name not in reached:
        for one, after in graph.items():
            if one not in reached and all(a in reached for a in after):
                reached[one] = times[one] + max((reached[a] for a in after), default=0)
    return reached[name]


def _first_of_each_code(problems: Iterator[Problem]) -> list[Problem]:
    """Answers differ in many ways that break the same rule; one of them shows it."""
    found: dict[str, Problem] = {}
    for problem in problems:
        found.setdefault(problem.code, problem)
    return list(found.values())
