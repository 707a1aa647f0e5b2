"""What a case waits for, and what whoever reads it may do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from contracts.rights import Caller, permits
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.states import UNDECIDED, CaseState

Who = Literal["applicant", "department", "platform"]
Action = Literal["correct", "withdraw", "hand_in_promised", "receive", "answer", "fetch_licence", "rate"]


@dataclass(frozen=True)
class Waiting:
    """Who has to act, on what, and until when. ``subject`` is a task, or the case."""

    who: Who
    what: str
    subject: str
    department: str | None = None
    step_name: str | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class NextAction:
    """Something the reader may do now. ``subject`` is a task, a material code, or the case."""

    action: Action
    subject: str
    due_on: date | None = None


def waiting_for(file: CaseFile) -> list[Waiting]:
    """Everybody whose move it is: several departments at once, the applicant, or the platform itself."""
    found: list[Waiting] = []
    if file.state is CaseState.AWAITING_CORRECTION:
        found.append(Waiting("applicant", "correction", file.case_no, due_on=file.correct_by))
    if file.state is CaseState.SPECIAL_PROCEDURE:
        found += [
            Waiting("department", "special_procedure", stop.code, stop.department, stop.name, stop.until)
            for stop in file.clock.stops
            if stop.ended is None
        ]
    found += [
        Waiting("department", task.kind, task.task_id, task.department, task.step_name, task.due_on)
        for task in sorted(file.open_tasks(), key=lambda task: (task.due_on, task.task_id))
    ]
    found += [
        Waiting("applicant", "promised_material", promise.material_code, due_on=promise.due_on)
        for promise in file.promises
        if promise.kind == "deferred" and promise.kept_on is None and file.closed_at is None
    ]
    if file.state is CaseState.APPROVED and file.licence_no is None:
        found.append(Waiting("platform", "licence", file.case_no))
    return found


def next_actions(file: CaseFile, reader: Caller) -> list[NextAction]:
    """What ``reader`` may do now by the table of rights and the state of the case, the most urgent first."""
    found = (
        _of_party(file) if permits(reader, "cases:withdraw", party=file.applicant_id, item=file.item.item_code) else []
    )
    for task in file.open_tasks():
        if task.department != reader.department or reader.kind != "officer":
            continue
        if task.assignee is not None and task.assignee != reader.subject:
            continue
        if task.acknowledged_at is None:
            found.append(NextAction("receive", task.task_id, task.due_on))
        found.append(NextAction("answer", task.task_id, task.due_on))
    return sorted(found, key=lambda action: (action.due_on is None, action.due_on or date.max))


def _of_party(file: CaseFile) -> list[NextAction]:
    found = []
    if file.state is CaseState.AWAITING_CORRECTION:
        found.append(NextAction("correct", file.case_no, file.correct_by))
    found += [
        NextAction("hand_in_promised", promise.material_code, promise.due_on)
        for promise in file.promises
        if promise.kind == "deferred" and promise.kept_on is None and file.closed_at is None
    ]
    if file.state in UNDECIDED:
        found.append(NextAction("withdraw", file.case_no))
    if file.licence_no is not None and file.state is not CaseState.REVOKED:
        found.append(NextAction("fetch_licence", file.licence_no))
    if file.closed_at is not None:
        found.append(NextAction("rate", file.case_no))
    return found
