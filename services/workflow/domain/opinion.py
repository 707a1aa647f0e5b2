"""A department's answer to its task: whether it counts, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.errors import Refusal
from contracts.case import Channel, Defect
from contracts.rights import NOT_EXAMINER, OPEN, unmet
from contracts.task import OpinionRecorded, Verdict
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer, Signature, Task
from services.workflow.domain.deadline import Calendar, law_date
from services.workflow.domain.decision import approve, deny, outstanding, refuse_acceptance, require_decidable, revoke
from services.workflow.domain.plan import EXAMINING, startable
from services.workflow.domain.progress import accept_if_due, advance, correction_asked
from services.workflow.domain.states import CaseState, TaskState

TOLD_WHEN_REFUSED = frozenset({"second_correction_refused", "material_not_in_guide"})
"""What supervision hears even when it was refused on the spot: rules P1 and C2."""
_MAY_CORRECT = frozenset({"pre_review", "acceptance", "opinion", "examination"})


@dataclass(frozen=True)
class Opinion:
    """An answer as it came in, from a department whose identity the door has established.

    ``account_id`` is the officer's account; None when the department's own system answers. ``conditions``: on which it agrees.
    """

    task_id: str
    department: str
    verdict: Verdict
    reason: str = ""
    defects: tuple[Defect, ...] = ()
    officer: str | None = None
    account_id: str | None = None
    conditions: tuple[str, ...] = ()
    channel: Channel = "api"


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


def give_opinion(file: CaseFile, opinion: Opinion, *, now: datetime, calendar: Calendar) -> Task:
    """Record ``opinion`` and do what follows; its task, still open while another officer has to sign.

    Raises Refusal with a stable code; then nothing has changed.
    """
    task = _require_task(file, opinion)
    _require_content(file, task, opinion)
    if _signed(file, task, opinion, now=now):
        _record(file, task, opinion, now=now)
        _follow(file, task, opinion, now=now, calendar=calendar)
    return task


def _require_task(file: CaseFile, opinion: Opinion) -> Task:
    task = file.tasks.get(opinion.task_id)
    if task is None:
        raise Refusal("task_unknown", "没有此任务 / there is no such task", task_id=opinion.task_id)
    failed = unmet(_Answerer(opinion), "tasks:answer", _facts(file, task))
    if failed is None:
        _require_assignee(task, opinion)
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


def _require_assignee(task: Task, opinion: Opinion) -> None:
    if task.assignee is not None and opinion.account_id is not None and opinion.account_id != task.assignee:
        raise Refusal(
            "task_of_another_officer",
            "该任务已改派给其他人员 / the task was reassigned to another officer",
            task_id=task.task_id,
        )


def _facts(file: CaseFile, task: Task) -> dict[str, frozenset[str]]:
    """The task as the table of rights asks about it. Only a decision asks who examined the case."""
    examined: set[str] = set()
    if task.kind == "decision":
        for other in file.tasks.values():
            if other.kind in EXAMINING:
                examined.update(signature.signer for signature in other.signatures)
                examined.update(() if other.account_id is None else {other.account_id})
    return {
        "department": frozenset({task.department}),
        "stage": frozenset({task.state.value}),
        "examiners": frozenset(examined),
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
    if task.kind == "ruling" and not opinion.reason.strip():
        raise Refusal("reason_required", "裁决须说明理由 / a ruling requires a reason")
    if opinion.conditions and (opinion.verdict != "agree" or task.kind in ("delivery", "check")):
        raise Refusal("conditions_not_allowed", "仅同意时可附条件 / only who agrees may set conditions")
    if task.kind == "decision":
        require_decidable(file, granting=opinion.verdict == "agree", reason=opinion.reason)
    if opinion.verdict == "correction_needed":
        _require_lawful_correction(file, opinion)


def _require_lawful_correction(file: CaseFile, opinion: Opinion) -> None:
    if file.correction_used:
        raise Refusal(
            "second_correction_refused",
            "补正只能一次性告知 / correction may be asked for once only",
            case_no=file.case_no,
        )
    known = {rule.code for rule in file.guide}
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
    if task.kind == "pre_review":
        return frozenset({"agree", "correction_needed"})
    if task.kind in _MAY_CORRECT:
        return frozenset({"agree", "disagree", "correction_needed"})
    return frozenset({"agree", "disagree"})


def _signed(file: CaseFile, task: Task, opinion: Opinion, *, now: datetime) -> bool:
    """Whether all signatures that the step needs are there, this one included (实质核查: 两名以上工作人员)."""
    needed = file.step_of(task).officers
    if needed <= 1:
        return True
    signers = _signers(opinion)
    if not signers:
        raise Refusal("officer_required", "本环节须由具名人员签署 / this step must be signed by named officers")
    if any(signature.signer in signers for signature in task.signatures):
        raise Refusal(
            "second_officer_required",
            "须由另一名工作人员签署 / another officer has to sign",
            signed=[signature.officer for signature in task.signatures],
        )
    if any(signature.verdict != opinion.verdict for signature in task.signatures):
        raise Refusal(
            "signatures_differ",
            "与已签署的意见不一致 / it differs from the opinion already signed",
            signed=task.signatures[0].verdict,
        )
    mine = tuple(Signature(signer, name, opinion.verdict, now) for signer, name in signers.items())
    task.signatures = (*task.signatures, *mine)
    file.touched.add(task.task_id)
    return len(task.signatures) >= needed


def _signers(opinion: Opinion) -> dict[str, str]:
    """Who signs -> name: an officer for himself; a department's own system for everybody whom it names."""
    if opinion.account_id is not None:
        return {opinion.account_id: opinion.officer or opinion.account_id}
    names = [name.strip() for name in (opinion.officer or "").split("、")]
    return {name: name for name in names if name}


def _record(file: CaseFile, task: Task, opinion: Opinion, *, now: datetime) -> None:
    task.state, task.closed_at = TaskState.ANSWERED, now
    task.verdict, task.reason = opinion.verdict, opinion.reason
    task.defects, task.conditions = opinion.defects, opinion.conditions
    task.officer, task.account_id = opinion.officer, opinion.account_id
    if task.signatures:
        task.officer = "、".join(signature.officer for signature in task.signatures)
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
            conditions=opinion.conditions,
        )
    )


def _follow(file: CaseFile, task: Task, opinion: Opinion, *, now: datetime, calendar: Calendar) -> None:
    by = Doer(task.department, channel=opinion.channel)
    if task.verdict == "disagree" and task.kind == "acceptance":
        refuse_acceptance(file, by=by, reason=task.reason, now=now)
    elif task.verdict == "disagree" and task.kind == "check":
        revoke(file, by=by, reason=task.reason, now=now)
    elif task.kind == "decision":
        _decide(file, task, by=by, now=now, calendar=calendar)
    else:
        if task.kind == "acceptance" and file.mode in ("immediate", "commitment"):
            _decide_at_once(file, task, opinion, now=now, calendar=calendar)
        advance(file, by=by, now=now, calendar=calendar)


def _decide(file: CaseFile, task: Task, *, by: Doer, now: datetime, calendar: Calendar) -> None:
    decided_by = task.officer or task.department
    if task.verdict == "disagree":
        deny(file, by=by, decided_by=decided_by, reason=task.reason, now=now)
        return
    approve(file, by=by, decided_by=decided_by, why=task.reason or "准予", now=now)
    advance(file, by=by, now=now, calendar=calendar)


def _decide_at_once(file: CaseFile, task: Task, opinion: Opinion, *, now: datetime, calendar: Calendar) -> None:
    """即办、告知承诺: when nothing stands between acceptance and the same department's decision, one answer makes both."""
    if task.verdict != "agree" or correction_asked(file) or outstanding(file):
        return
    by = Doer(task.department, channel=opinion.channel)
    accept_if_due(file, by=by, now=now, calendar=calendar)
    latest = file.latest()
    done = [name for name, one in latest.items() if one.verdict == "agree"]
    ready = startable(file.plan, done=done, begun=latest)
    decision = next((s for s in ready if s.kind == "decision" and s.department == task.department), None)
    if file.accepted_on is None or decision is None or decision.officers > 1:
        return
    decided = file.assign(decision, now=now, calendar=calendar, tell=False)
    _record(file, decided, opinion, now=now)
    _decide(file, decided, by=by, now=now, calendar=calendar)
