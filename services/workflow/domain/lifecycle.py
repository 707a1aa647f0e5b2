"""What the applicant and the issuing of the licence do to a case: correct, supplement, withdraw, receive; and its termination."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime

from chassis.errors import Refusal
from contracts.case import CaseCorrected, CaseMaterial, CaseSupplemented, CaseTerminated, CaseWithdrawn
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer, Task
from services.workflow.domain.clocks import ACCEPTANCE_LIMIT
from services.workflow.domain.deadline import Calendar, due, law_date
from services.workflow.domain.decision import outstanding
from services.workflow.domain.progress import advance, close_if_delivered, wanted_materials
from services.workflow.domain.states import UNDECIDED, CaseState, TaskState


def correct(file: CaseFile, materials: Sequence[CaseMaterial], *, by: Doer, now: datetime, calendar: Calendar) -> None:
    """The applicant replaces every material that the notice named; the departments concerned look again, no others.

    Before acceptance its five days begin anew: the materials are received now.
    """
    asked = [task for task in file.latest().values() if task.verdict == "correction_needed"]
    wanted = wanted_materials(file)
    handed_in = {material.code for material in materials}
    if file.state is not CaseState.AWAITING_CORRECTION:
        raise Refusal("no_correction_asked", "本件无需补正 / no correction was asked for", state=file.state.value)
    if handed_in != wanted:
        raise Refusal(
            "correction_mismatch",
            "请补齐且仅补告知书所列材料 / hand in what the notice names and nothing else",
            missing=sorted(wanted - handed_in),
            surplus=sorted(handed_in - wanted),
        )
    back_to = CaseState.UNDER_EXAMINATION if file.accepted_on is not None else CaseState.RECEIVED
    if back_to is CaseState.RECEIVED and any(task.kind == "pre_review" for task in asked):
        back_to = CaseState.PRE_REVIEW
    _take_in(file, materials)
    file.move(back_to, at=now, by=by, why="申请人补齐")
    file.correct_by = None
    file.events.append(
        CaseCorrected(
            case_no=file.case_no,
            materials=tuple(materials),
            by=by.account_id,
            represented=by.represented is not None,
        )
    )
    concerned = _concerned(file, asked, wanted)
    if file.accepted_on is None:
        file.accept_by = due(law_date(now), ACCEPTANCE_LIMIT, calendar).on
    _assign_again(file, concerned, now=now, calendar=calendar)
    advance(file, by=by, now=now, calendar=calendar)


def _concerned(file: CaseFile, asked: Sequence[Task], changed: Collection[str]) -> list[Task]:
    """Those that asked; those at work that see what changed; those done that look at a part only, if that part changed."""
    found = list(asked)
    for task in file.latest().values():
        view = file.step_of(task).materials
        if task in found:
            continue
        answered = task.state is TaskState.ANSWERED and task.kind in ("opinion", "examination") and view is not None
        if (task.state is TaskState.OPEN or answered) and (view is None or not set(view).isdisjoint(changed)):
            found.append(task)
    return found


def _assign_again(file: CaseFile, tasks: Sequence[Task], *, now: datetime, calendar: Calendar) -> None:
    for task in tasks:
        if task.state is TaskState.OPEN:
            file.cancel(task, now=now, reason="materials_changed")
        again = file.assign(file.step_of(task), now=now, calendar=calendar, department=task.department, tell=False)
        again.assignee = task.assignee
        file.events.append(file.assignment(again))


def _take_in(file: CaseFile, materials: Sequence[CaseMaterial]) -> None:
    file.materials.update({material.code: material for material in materials})
    file.added_materials.extend(materials)


def supplement(
    file: CaseFile, materials: Sequence[CaseMaterial], *, by: Doer, now: datetime, calendar: Calendar
) -> None:
    """容缺补齐: the applicant hands in, at once or one by one, what was promised to follow."""
    missing = {promise.material_code for promise in outstanding(file)}
    handed_in = {material.code for material in materials}
    if file.state not in UNDECIDED or not missing:
        raise Refusal("nothing_to_supplement", "本件没有待补材料 / nothing is to follow", state=file.state.value)
    if not handed_in or handed_in - missing:
        raise Refusal(
            "supplement_mismatch",
            "只能补交承诺后补的材料 / hand in what was promised to follow and nothing else",
            outstanding=sorted(missing),
            surplus=sorted(handed_in - missing),
        )
    today = law_date(now)
    _take_in(file, materials)
    file.promises = tuple(
        replace(promise, kept_on=today) if promise.material_code in handed_in else promise for promise in file.promises
    )
    file.changed = True
    file.events.append(
        CaseSupplemented(
            case_no=file.case_no,
            materials=tuple(materials),
            by=by.account_id,
            represented=by.represented is not None,
        )
    )
    at_work = [task for task in _concerned(file, [], handed_in) if task.state is TaskState.OPEN]
    _assign_again(file, at_work, now=now, calendar=calendar)


def withdraw(file: CaseFile, *, by: Doer, reason: str, now: datetime) -> None:
    """撤回 before the decision: open tasks are cancelled."""
    file.move(CaseState.WITHDRAWN, at=now, by=by, why=reason)
    file.closed_at = now
    file.events.append(
        CaseWithdrawn(case_no=file.case_no, reason=reason, by=by.account_id, represented=by.represented is not None)
    )
    file.cancel_open_tasks(now=now, reason="case_withdrawn")


def terminate(file: CaseFile, *, by: Doer, reason: str, now: datetime) -> None:
    """终止办理 by the lead department, before the decision."""
    file.move(CaseState.TERMINATED, at=now, by=by, why=reason)
    file.closed_at = now
    file.events.append(CaseTerminated(case_no=file.case_no, decided_by=by.account_id, reason=reason))
    file.cancel_open_tasks(now=now, reason="case_terminated")


def record_licence(file: CaseFile, licence_no: str, *, now: datetime, until: date | None = None) -> None:
    """证照 is issued; the case closes when every delivery step is done too. A repeat changes nothing."""
    if file.licence_no is not None:
        return
    file.licence_no, file.licence_until, file.changed = licence_no, until, True
    if file.state is CaseState.APPROVED:
        close_if_delivered(file, now=now)
