"""How a case goes on after anything has happened to it: the one notice, acceptance, the next steps, the end.

``advance`` looks only at how things stand, so it may be called after every change, and twice does no more than once.
"""

from __future__ import annotations

from datetime import date, datetime

from contracts.case import CaseClosed, CaseCorrectionRequested
from contracts.item import Limit
from services.workflow.domain import joint_review
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer
from services.workflow.domain.deadline import Calendar, due, law_date
from services.workflow.domain.decision import accept
from services.workflow.domain.states import GRANTED, UNDECIDED, CaseState, TaskState


def advance(file: CaseFile, *, by: Doer, now: datetime, calendar: Calendar) -> None:
    """Do what may be done now."""
    if file.state in GRANTED:
        file.start_ready_steps(now=now, calendar=calendar)
        close_if_delivered(file, now=now)
        return
    if file.state not in UNDECIDED or file.state is CaseState.AWAITING_CORRECTION:
        return
    if correction_asked(file):
        _join_corrections(file, now=now, calendar=calendar)
        return
    if file.state is CaseState.PRE_REVIEW and not any(task.kind == "pre_review" for task in file.open_tasks()):
        file.move(CaseState.RECEIVED, at=now, by=by, why="预审通过")
    accept_if_due(file, by=by, now=now, calendar=calendar)
    file.start_ready_steps(now=now, calendar=calendar)


def accept_if_due(file: CaseFile, *, by: Doer, now: datetime, calendar: Calendar) -> None:
    """受理 once every step of acceptance has agreed."""
    if file.accepted_on is None and _may_be_accepted(file):
        accept(file, on=law_date(now), by=by, why="受理", now=now, calendar=calendar)


def correction_asked(file: CaseFile) -> bool:
    """Whether a department asked for correction and has not looked again since."""
    return any(task.verdict == "correction_needed" for task in file.latest().values())


def wanted_materials(file: CaseFile) -> set[str]:
    """Codes of the materials that departments asked to be corrected, as long as they have not looked again."""
    asked = [task for task in file.latest().values() if task.verdict == "correction_needed"]
    return {defect.material_code for task in asked for defect in task.defects}


def _may_be_accepted(file: CaseFile) -> bool:
    latest = file.latest()
    gates = [step.step for step in file.plan if step.kind == "acceptance"]
    return bool(gates) and all(name in latest and latest[name].verdict == "agree" for name in gates)


def notice_day(file: CaseFile) -> date:
    """The day on which the one notice goes out, whoever is still at work."""
    return file.notice_by or file.accept_by


def _join_corrections(file: CaseFile, *, now: datetime, calendar: Calendar) -> None:
    if file.correction_used or file.state is CaseState.SPECIAL_PROCEDURE:
        return
    today = law_date(now)
    if file.notice_by is None:
        window = due(today, Limit(amount=file.policy.correction_window_days), calendar).on
        file.notice_by = window if file.accepted_on is not None else min(window, file.accept_by)
        file.changed = True
    answers = file.answers()
    closed = today >= file.notice_by
    if joint_review.outcome(answers, window_closed=closed) is joint_review.Outcome.WAIT:
        return
    file.move(CaseState.AWAITING_CORRECTION, at=now, by="system", why="各部门意见一次性告知")
    file.correction_used, file.notice_by = True, None
    file.correct_by = due(today, Limit(amount=file.policy.correction_days), calendar).on
    defects = joint_review.notice(answers)
    file.events.append(CaseCorrectionRequested(case_no=file.case_no, defects=defects, correct_by=file.correct_by))


def close_if_delivered(file: CaseFile, *, now: datetime) -> None:
    """送达 when the licence exists, has reached the applicant and no step of delivery is open; 办结 when no later check is
    open either.
    """
    handed_over = file.delivery_way == "electronic" or file.delivered_at is not None
    if file.licence_no is None or not handed_over or not file.all_done():
        return
    latest = file.latest()
    checks = [step.step for step in file.plan if step.kind == "check"]
    checked = all(name in latest and latest[name].state is TaskState.ANSWERED for name in checks)
    file.delivered_at = file.delivered_at or now
    if not checked:
        if file.state is CaseState.APPROVED:
            file.move(CaseState.DELIVERED, at=now, by="system", why="证照已制发送达，承诺待核查")
        return
    why = "承诺核查属实" if file.state is CaseState.DELIVERED else "证照已制发送达"
    file.move(CaseState.CLOSED, at=now, by="system", why=why)
    file.closed_at = now
    file.events.append(CaseClosed(case_no=file.case_no, licence_no=file.licence_no))
