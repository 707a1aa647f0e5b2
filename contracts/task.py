"""Facts about a department's part of a case (环节任务). Owner: workflow; opinions are told by department systems."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import msgspec

from contracts.case import CaseMaterial, Defect
from contracts.envelope import FOR_THE_RECORD_S, Event
from contracts.item import StepKind

Verdict = Literal["agree", "disagree", "correction_needed"]
TaskKind = Literal["acceptance", "opinion", "examination", "decision", "delivery"]
OLD_KINDS: dict[StepKind, TaskKind] = {"pre_review": "acceptance", "ruling": "examination", "check": "examination"}
"""What systems that know only the first five kinds take the others for."""


class PriorOpinion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An opinion that a later step builds on; ``conditions`` on which it agrees."""

    step: str
    department: str
    verdict: Verdict
    reason: str
    conditions: tuple[str, ...] = ()


class TaskAssigned(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A department has work. Complete in itself: what it needs of the form and the materials, and the opinions it builds on.

    ``duty``: the kind, where it is none of the five that ``kind`` can say (预审、裁决、核查). ``officers``: how many must sign.
    """

    TYPE: ClassVar[str] = "task.assigned.v1"
    task_id: str
    case_no: str
    step: str
    step_name: str
    kind: TaskKind
    round: int
    department: str
    item_code: str
    item_name: str
    due_on: date
    form: dict[str, Any]
    materials: tuple[CaseMaterial, ...]
    prior_opinions: tuple[PriorOpinion, ...] = ()
    duty: StepKind | None = None
    officers: int = 1


class TaskCancelled(Event, frozen=True, kw_only=True):
    """The task needs no answer any more; ``reason`` is a code such as ``case_withdrawn``."""

    TYPE: ClassVar[str] = "task.cancelled.v1"
    task_id: str
    case_no: str
    department: str
    reason: str


class TaskReassigned(Event, frozen=True, kw_only=True, omit_defaults=True):
    """改派 by the lead department: the task went on as ``new_task_id``, or to one officer of the same department."""

    TYPE: ClassVar[str] = "task.reassigned.v1"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    task_id: str
    case_no: str
    department: str
    reason: str
    by: str
    new_task_id: str | None = None
    officer: str | None = None


class TaskReceived(Event, frozen=True, kw_only=True):
    """A department system has the task safely; workflow stops ringing. Told by departments."""

    TYPE: ClassVar[str] = "task.received.v1"
    SUBJECT: ClassVar[str | None] = "task_id"
    task_id: str


class OpinionGivenV1(Event, frozen=True, kw_only=True):
    """First form of a department's answer: one material at most could be named. Told by departments."""

    TYPE: ClassVar[str] = "task.opinion_given.v1"
    SUBJECT: ClassVar[str | None] = "task_id"
    task_id: str
    verdict: Verdict
    reason: str = ""
    material_code: str | None = None


class OpinionGiven(Event, frozen=True, kw_only=True):
    """A department's answer. ``reason`` is required to disagree, ``defects`` to ask for correction; ``conditions`` on which it
    agrees (有条件同意). ``officer`` names who signed, several with a 、 between. Told by departments.

    A system that sets no conditions does not say the field at all, so that the ids of answers stay what they always were.
    """

    TYPE: ClassVar[str] = "task.opinion_given.v2"
    SUBJECT: ClassVar[str | None] = "task_id"
    task_id: str
    verdict: Verdict
    reason: str = ""
    defects: tuple[Defect, ...] = ()
    officer: str | None = None
    conditions: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class OpinionRecorded(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The answer counts. ``late`` is true after the task's due date."""

    TYPE: ClassVar[str] = "task.opinion_recorded.v1"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    task_id: str
    case_no: str
    step: str
    round: int
    department: str
    verdict: Verdict
    reason: str
    late: bool
    conditions: tuple[str, ...] = ()


class OpinionRefused(Event, frozen=True, kw_only=True):
    """The answer does not count; ``code`` is the stable refusal code. ``opinion_id`` is the refused event's id."""

    TYPE: ClassVar[str] = "task.opinion_refused.v1"
    SUBJECT: ClassVar[str | None] = "task_id"
    task_id: str
    department: str
    code: str
    detail: str
    opinion_id: str
    case_no: str | None = None
