"""受理 and 决定: what a department's answer, or the silence that the law does not allow, makes of a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from chassis.errors import Refusal
from contracts.case import CaseAccepted, CaseApproved, CaseDenied, CaseNotAccepted, CaseRevoked
from contracts.item import Limit
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer, Promise, Task
from services.workflow.domain.clocks import reckon_case
from services.workflow.domain.deadline import Calendar, due, law_date
from services.workflow.domain.states import CaseState

REMEDY = (
    "如不服本决定，可自收到之日起六十日内申请行政复议，或者六个月内提起行政诉讼。"
    " / You may apply for administrative reconsideration within 60 days, or sue within 6 months."
)


def accept(
    file: CaseFile, *, on: date, by: Doer, why: str, now: datetime, calendar: Calendar, silent: Task | None = None
) -> None:
    """受理 as of ``on``. ``silent``: the task whose department did not answer in time, so that the law accepts."""
    file.move(CaseState.UNDER_EXAMINATION, at=now, by=by, why=why)
    file.accepted_on = on
    reckon_case(file, calendar)
    assert file.due_on is not None
    file.promises = tuple(_dated(file, promise, calendar) for promise in file.promises)
    file.events.append(
        CaseAccepted(
            case_no=file.case_no,
            accepted_on=on,
            due_on=file.due_on,
            provisional=file.provisional,
            deemed_against=None if silent is None else silent.department,
            deemed_task=None if silent is None else silent.task_id,
            statutory_due_on=file.statutory_due_on,
        )
    )


def _dated(file: CaseFile, promise: Promise, calendar: Calendar) -> Promise:
    later = next((rule.later_working_days for rule in file.guide if rule.code == promise.material_code), None)
    if promise.kind != "deferred" or later is None or file.accepted_on is None:
        return promise
    return replace(promise, due_on=due(file.accepted_on, Limit(amount=later), calendar).on)


def refuse_acceptance(file: CaseFile, *, by: Doer, reason: str, now: datetime) -> None:
    """不予受理, with its reason."""
    file.move(CaseState.NOT_ACCEPTED, at=now, by=by, why=reason)
    file.closed_at = now
    file.events.append(CaseNotAccepted(case_no=file.case_no, reason=reason, remedy=REMEDY))
    file.cancel_open_tasks(now=now, reason="case_not_accepted")


def outstanding(file: CaseFile) -> list[Promise]:
    """What was promised to follow and has not."""
    return [promise for promise in file.promises if promise.kind == "deferred" and promise.kept_on is None]


def require_decidable(file: CaseFile, *, granting: bool, reason: str) -> None:
    """A decision is made of a case under examination; to grant it, what was promised must be there (容缺), and an objection
    that the lead department upheld must be answered. Raises Refusal.
    """
    if file.state is not CaseState.UNDER_EXAMINATION:
        raise Refusal(
            "move_not_allowed",
            f"办件状态为 {file.state}，不能作出决定 / the case is {file.state}, not to be decided",
            case_no=file.case_no,
            state=file.state.value,
            rule="行政许可法 §38",
        )
    if granting and outstanding(file):
        raise Refusal(
            "materials_outstanding",
            "容缺材料未补齐，不能准予 / what was promised to follow has not been handed in",
            materials=sorted(promise.material_code for promise in outstanding(file)),
        )
    upheld = any(task.kind == "ruling" and task.verdict == "disagree" for task in file.latest().values())
    if granting and upheld and not reason.strip():
        raise Refusal("reason_required", "与裁决意见不一致须说明理由 / granting against the ruling requires a reason")


def deny(file: CaseFile, *, by: Doer, decided_by: str, reason: str, now: datetime) -> None:
    """不予许可, with its reason."""
    file.move(CaseState.DENIED, at=now, by=by, why=reason)
    file.decided_at, file.decided_by = now, decided_by
    file.decision_reason, file.closed_at = reason, now
    file.events.append(CaseDenied(case_no=file.case_no, decided_by=by.account_id, reason=reason, remedy=REMEDY))
    file.cancel_open_tasks(now=now, reason="case_denied")


def approve(
    file: CaseFile, *, by: Doer, decided_by: str, why: str, now: datetime, rule: str | None = None, deemed: bool = False
) -> None:
    """准予. Departments that were still examining need not go on."""
    file.move(CaseState.APPROVED, at=now, by=by, why=why, rule=rule)
    file.decided_at, file.decided_by = now, decided_by
    for task in file.open_tasks():
        if task.step not in file.late_steps:
            file.cancel(task, now=now, reason="case_decided")
    item = file.item
    file.events.append(
        CaseApproved(
            case_no=file.case_no,
            item_code=item.item_code,
            item_version=item.version,
            item_name=item.name,
            applicant_id=file.applicant_id,
            decided_by=by.account_id,
            decided_on=law_date(now),
            licence=item.result,
            facts={name: file.form[name] for name in item.result.printed_fields if name in file.form},
            conditions=conditions_of(file),
            deemed=deemed,
        )
    )


def conditions_of(file: CaseFile) -> tuple[str, ...]:
    """The conditions on which departments agreed (有条件同意), each once."""
    return tuple(dict.fromkeys(c for task in file.latest().values() for c in task.conditions))


def revoke(file: CaseFile, *, by: Doer, reason: str, now: datetime) -> None:
    """撤销 when the later check finds a commitment untrue."""
    file.move(CaseState.REVOKED, at=now, by=by, why=reason)
    file.decision_reason, file.closed_at = reason, now
    file.events.append(
        CaseRevoked(
            case_no=file.case_no, decided_by=by.account_id, reason=reason, remedy=REMEDY, licence_no=file.licence_no
        )
    )
    file.cancel_open_tasks(now=now, reason="case_revoked")
