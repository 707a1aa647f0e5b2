"""A department's answer to its task: whether it counts, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.errors import Refusal
from contracts.case import (
    CaseAccepted,
    CaseApproved,
    CaseCorrectionRequested,
    CaseDenied,
    CaseNotAccepted,
    Defect,
)
from contracts.item import StepKind
from contracts.rights import NOT_EXAMINER, OPEN, unmet
from contracts.task import OpinionRecorded, Verdict
from services.workflow.domain import joint_review
from services.workflow.domain.case_file import CaseFile, Task
from services.workflow.domain.deadline import Calendar, due, law_date
from services.workflow.domain.lifecycle import close_if_delivered
from services.workflow.domain.states import CaseState, TaskState

_EXAMINING: frozenset[StepKind] = frozenset({"examination", "opinion"})
REMEDY = (
    "如不服本决定，可自收到之日起六十日内申请行政复议，或者六个月内提起行政诉讼。"
    " / You may apply for administrative reconsideration within 60 days, or sue within 6 months."
)


@dataclass(frozen=True)
class Opinion:
    """An answer as it came in, from a department whose identity the door has established.

    ``account_id`` is the officer's account; None when the department's own system answers.
    """

    task_id: str
    department: str
    verdict: Verdict
    reason: str = ""
    defects: tuple[Defect, ...] = ()
    officer: str | None = None
    account_id: str | None = None


@dataclass(frozen=True)
class _Answerer:
    """Who answers, as the table of rights asks."""

    opinion: Opinion
    party: str = ""
    items: frozenset[str] | None = None

    @property
    def kind(self) -> str:
        return "department" if self.opinion.account_id is None else "officer"

    @property
    def subject(self) -> str:
        return self.opinion.account_id or self.opinion.department

    @property
    def department(self) -> str:
        return self.opinion.department


def give_opinion(file: CaseFile, opinion: Opinion, *, now: datetime, calendar: Calendar) -> None:
    """Record ``opinion`` and do what follows. Raises Refusal with a stable code; then nothing has changed."""
    task = _require_task(file, opinion)
    _require_content(file, task, opinion)
    task.state, task.closed_at = TaskState.ANSWERED, now
    task.verdict, task.reason = opinion.verdict, opinion.reason
    task.defects, task.officer, task.account_id = opinion.defects, opinion.officer, opinion.account_id
    file.touched.add(task.task_id)
    file.events.append(
        OpinionRecorded(
            task_id=task.task_id,
            case_no=file.case_no,
            step=task.step,
            round=task.round,
            department=task.department,
            verdict=opinion.verdict,
            reason=opinion.reason,
            late=law_date(now) > task.due_on,
        )
    )
    _follow(file, task, now=now, calendar=calendar)


def _require_task(file: CaseFile, opinion: Opinion) -> Task:
    task = file.tasks.get(opinion.task_id)
    if task is None:
        raise Refusal("task_unknown", "没有此任务 / there is no such task", task_id=opinion.task_id)
    failed = unmet(_Answerer(opinion), "tasks:answer", _facts(file, task))
    if failed is None:
        return task
    if failed == OPEN.code:
        raise _ended(file, task)
    if failed == NOT_EXAMINER.code:
        raise Refusal(
            "decider_is_examiner",
            "审查过本件的人员不得作出决定 / whoever examined the case may not decide it",
            task_id=task.task_id,
        )
    raise Refusal(
        "task_of_another_department",
        "该任务属于其他部门 / the task belongs to another department",
        task_id=task.task_id,
    )


def _facts(file: CaseFile, task: Task) -> dict[str, frozenset[str]]:
    """The task as the table of rights asks about it. Only a decision asks who examined the case."""
    examined = [t.account_id for t in file.tasks.values() if t.kind in _EXAMINING and t.account_id is not None]
    return {
        "department": frozenset({task.department}),
        "stage": frozenset({task.state.value}),
        "examiners": frozenset(examined if task.kind == "decision" else ()),
    }


def _ended(file: CaseFile, task: Task) -> Refusal:
    """Why a task that is not open takes no answer."""
    if task.state is TaskState.ANSWERED:
        return Refusal("opinion_already_given", "该任务已有意见 / the task has its opinion", task_id=task.task_id)
    if file.state is CaseState.WITHDRAWN:
        return Refusal("case_withdrawn", "办件已撤回 / the case is withdrawn", case_no=file.case_no)
    return Refusal("opinion_too_late", "该任务已终止 / the task has ended", state=file.state.value)


def _require_content(file: CaseFile, task: Task, opinion: Opinion) -> None:
    allowed = _allowed_verdicts(task)
    if opinion.verdict not in allowed:
        raise Refusal(
            "verdict_not_allowed", "本环节不接受此意见 / this step takes no such verdict", allowed=sorted(allowed)
        )
    if opinion.verdict == "disagree" and not opinion.reason.strip():
        raise Refusal("reason_required", "不同意须说明理由 / disagreeing requires a reason")
    if opinion.verdict != "correction_needed":
        return
    if file.correction_used:
        raise Refusal(
            "second_correction_refused",
            "补正只能一次性告知 / correction may be asked for once only",
            case_no=file.case_no,
        )
    known = {rule.code for rule in file.item.materials}
    if not opinion.defects:
        raise Refusal("defects_required", "请指明需补正的材料 / name the materials to be corrected")
    unknown = sorted({defect.material_code for defect in opinion.defects} - known)
    if unknown:
        raise Refusal(
            "material_not_in_guide", "办事指南未列此材料 / the guide does not name this material", materials=unknown
        )


def _allowed_verdicts(task: Task) -> frozenset[Verdict]:
    if task.kind == "delivery":
        return frozenset({"agree"})
    if task.kind == "decision":
        return frozenset({"agree", "disagree"})
    return frozenset({"agree", "disagree", "correction_needed"})


def _follow(file: CaseFile, task: Task, *, now: datetime, calendar: Calendar) -> None:
    by = task.department
    if task.verdict == "correction_needed" or joint_review.outcome(file.answers()) is not joint_review.Outcome.PROCEED:
        _join_corrections(file, now=now)
    elif task.kind == "acceptance" and task.verdict == "disagree":
        file.move(CaseState.NOT_ACCEPTED, at=now, by=by, why=task.reason, rule="行政许可法 §32")
        file.closed_at = now
        file.events.append(CaseNotAccepted(case_no=file.case_no, reason=task.reason, remedy=REMEDY))
        file.cancel_open_tasks(now=now, reason="case_not_accepted")
    elif task.kind == "acceptance":
        _accept(file, by=by, now=now, calendar=calendar)
        file.start_ready_steps(now=now, calendar=calendar)
    elif task.kind == "decision":
        _decide(file, task, now=now)
        if task.verdict == "agree":
            file.start_ready_steps(now=now, calendar=calendar)
    elif task.kind == "delivery":
        file.start_ready_steps(now=now, calendar=calendar)
        close_if_delivered(file, now=now)
    else:
        file.start_ready_steps(now=now, calendar=calendar)


def _join_corrections(file: CaseFile, *, now: datetime) -> None:
    answers = file.answers()
    if joint_review.outcome(answers) is joint_review.Outcome.WAIT:
        return
    file.move(CaseState.AWAITING_CORRECTION, at=now, by="system", why="各部门意见一次性告知", rule="行政许可法 §32")
    file.correction_used = True
    file.events.append(CaseCorrectionRequested(case_no=file.case_no, defects=joint_review.notice(answers)))


def _accept(file: CaseFile, *, by: str, now: datetime, calendar: Calendar) -> None:
    today = law_date(now)
    last_day = due(today, file.item.committed_limit, calendar)
    file.move(CaseState.UNDER_EXAMINATION, at=now, by=by, why="受理", rule="行政许可法 §32")
    file.accepted_on, file.due_on, file.provisional = today, last_day.on, last_day.provisional
    file.events.append(
        CaseAccepted(case_no=file.case_no, accepted_on=today, due_on=last_day.on, provisional=last_day.provisional)
    )


def _decide(file: CaseFile, task: Task, *, now: datetime) -> None:
    file.decided_at, file.decided_by = now, task.officer or task.department
    if task.verdict == "disagree":
        file.move(CaseState.DENIED, at=now, by=task.department, why=task.reason, rule="行政许可法 §38")
        file.decision_reason, file.closed_at = task.reason, now
        file.events.append(
            CaseDenied(case_no=file.case_no, decided_by=task.department, reason=task.reason, remedy=REMEDY)
        )
        file.cancel_open_tasks(now=now, reason="case_denied")
        return
    file.move(CaseState.APPROVED, at=now, by=task.department, why=task.reason or "准予", rule="行政许可法 §38")
    file.events.append(
        CaseApproved(
            case_no=file.case_no,
            item_code=file.item.item_code,
            item_version=file.item.version,
            item_name=file.item.name,
            applicant_id=file.applicant_id,
            decided_by=task.department,
            decided_on=law_date(now),
            licence=file.item.result,
            facts={name: file.form[name] for name in file.item.result.printed_fields if name in file.form},
        )
    )
