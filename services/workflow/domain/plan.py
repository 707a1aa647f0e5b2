"""The plan of a case: which department's step may start when. A step starts when all that it waits for is answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.item import PlanStep


def startable(plan: Sequence[PlanStep], *, done: Iterable[str], begun: Iterable[str]) -> list[PlanStep]:
    """Steps not yet begun whose predecessors are all done, in the plan's order: they run in parallel."""
    finished, started = set(done), set(begun)
    return [step for step in plan if step.step not in started and finished.issuperset(step.after)]


def step_named(plan: Sequence[PlanStep], name: str) -> PlanStep:
    """The step called ``name``."""
    return next(step for step in plan if step.step == name)
