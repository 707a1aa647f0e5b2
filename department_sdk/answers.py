"""A department's answer, and ids that make a repeated answer recognisable as the same one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid5

import msgspec

from contracts.case import Defect
from contracts.envelope import Event
from contracts.task import OpinionGiven, TaskAssigned, Verdict

Task = TaskAssigned

_NAMESPACE = UUID("6f0d5f0c-7c1b-5b7e-9d55-0c3f4c2f6a10")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a department says to one task. Make it with ``agree``, ``disagree`` or ``correction_needed``."""

    verdict: Verdict
    reason: str = ""
    defects: tuple[Defect, ...] = ()
    officer: str | None = None
    conditions: tuple[str, ...] = ()

    def to(self, task_id: str) -> OpinionGiven:
        """The opinion that this answer makes on a task."""
        return OpinionGiven(
            task_id=task_id,
            verdict=self.verdict,
            reason=self.reason,
            defects=self.defects,
            officer=self.officer,
            conditions=self.conditions or msgspec.UNSET,
        )


def agree(reason: str = "", *, officer: str | None = None, conditions: Sequence[str] = ()) -> Answer:
    """同意, on ``conditions`` if there are any (有条件同意). Where two officers must sign, name both: 甲、乙."""
    return Answer(verdict="agree", reason=reason, officer=officer, conditions=tuple(conditions))


def disagree(reason: str, *, officer: str | None = None) -> Answer:
    """不同意. Raises ValueError without a reason: the applicant is owed one (行政许可法 §38)."""
    if not reason.strip():
        raise ValueError("不同意须说明理由 / a reason is required to disagree")
    return Answer(verdict="disagree", reason=reason, officer=officer)


def correction_needed(defects: Sequence[Defect], reason: str = "", *, officer: str | None = None) -> Answer:
    """需补正, naming each material and its problem. Raises ValueError when none is named."""
    if not defects:
        raise ValueError("须指明需补正的材料 / name the material that needs correction")
    return Answer(verdict="correction_needed", reason=reason, defects=tuple(defects), officer=officer)


def event_id(event: Event) -> str:
    """UUIDv5 of the event's type and canonical content: the same answer to the same task has the same id."""
    canonical = msgspec.json.encode(event, order="sorted").decode()
    return str(uuid5(_NAMESPACE, f"{event.TYPE}\n{canonical}"))


def stamped_id(department: str, own_id: str) -> str:
    """The id under which the platform knows a department's event.

    The gateway derives it from the department and the id the department chose. So a repetition keeps its id, and no
    department can take the id of another's event and have that one dropped as a repetition.
    """
    return str(uuid5(uuid5(_NAMESPACE, department), own_id))
