"""What the answers of parallel departments mean together (并联审查).

Corrections of all departments go into the one notice that the law allows (行政许可法 §32), so a correction waits for the
departments still at work, but only within its window. Silence never counts as consent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from contracts.case import Defect, DepartmentDefect
from contracts.task import Verdict


class Outcome(Enum):
    """What happens next."""

    WAIT = "wait"
    CORRECT = "correct"
    PROCEED = "proceed"


@dataclass(frozen=True)
class Answer:
    """One step's latest round, as the join sees it. ``verdict`` is None while the department is at work."""

    step: str
    department: str
    verdict: Verdict | None
    defects: tuple[Defect, ...] = ()


def outcome(answers: Sequence[Answer], *, window_closed: bool = False) -> Outcome:
    """PROCEED to what may start when nobody asks for correction; else WAIT for the neighbours, or CORRECT when there is
    nobody to wait for any more.
    """
    if not any(answer.verdict == "correction_needed" for answer in answers):
        return Outcome.PROCEED
    if not window_closed and any(answer.verdict is None for answer in answers):
        return Outcome.WAIT
    return Outcome.CORRECT


def notice(answers: Sequence[Answer]) -> tuple[DepartmentDefect, ...]:
    """Every department's defects, merged: the content of the one notice (一次性告知书)."""
    return tuple(
        DepartmentDefect(department=answer.department, material_code=defect.material_code, problem=defect.problem)
        for answer in answers
        if answer.verdict == "correction_needed"
        for defect in answer.defects
    )
