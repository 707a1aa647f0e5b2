"""Old majors that are still on the wire, lifted to the newest. Departments upgrade at their own pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from contracts.case import Defect
from contracts.item import ItemPublished
from contracts.item_v1 import ItemPublishedV1
from contracts.task import OpinionGiven, OpinionGivenV1


def opinion_given_v2(old: OpinionGivenV1) -> OpinionGiven:
    """v1 named at most one material and put the problem into ``reason``; v2 lists defects."""
    wants_correction = old.verdict == "correction_needed" and old.material_code is not None
    defects = (Defect(material_code=old.material_code or "", problem=old.reason),) if wants_correction else ()
    return OpinionGiven(task_id=old.task_id, verdict=old.verdict, reason=old.reason, defects=defects)


def item_published_v2(old: ItemPublishedV1) -> ItemPublished:
    """v2 knows more kinds of steps, and elements that v1 did not have."""
    return msgspec.convert(msgspec.to_builtins(old), ItemPublished)


UPCASTS: dict[type[Any], Callable[[Any], Any]] = {
    OpinionGivenV1: opinion_given_v2,
    ItemPublishedV1: item_published_v2,
}
