"""Old majors that are still on the wire, lifted to the newest. Departments upgrade at their own pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contracts.case import Defect
from contracts.task import OpinionGiven, OpinionGivenV1


def opinion_given_v2(old: OpinionGivenV1) -> OpinionGiven:
    """v1 named at most one material and put the problem into ``reason``; v2 lists defects."""
    wants_correction = old.verdict == "correction_needed" and old.material_code is not None
    defects = (Defect(material_code=old.material_code or "", problem=old.reason),) if wants_correction else ()
    return OpinionGiven(task_id=old.task_id, verdict=old.verdict, reason=old.reason, defects=defects)


UPCASTS: dict[type[Any], Callable[[Any], Any]] = {OpinionGivenV1: opinion_given_v2}
