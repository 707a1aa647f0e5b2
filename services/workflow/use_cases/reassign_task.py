"""改派: the lead department gives a task to another department or officer."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Task
from services.workflow.domain.reassignment import reassign
from services.workflow.use_cases.party import case_of_lead, keep, of_department
from services.workflow.use_cases.record_opinions import case_no_of


def reassign_task(
    tx: Tx, task_id: str, *, department: str | None, officer: str | None, reason: str, caller: Principal
) -> tuple[CaseFile, Task]:
    """The case and the task as it goes on. Raises Refusal ``not_found``, ``opinion_too_late`` or ``reassignment_empty``."""
    try:
        file = case_of_lead(tx, case_no_of(task_id), caller)
    except Refusal as refusal:
        raise Refusal("not_found", "没有此任务 / there is no such task", task_id=task_id) from refusal
    task = reassign(
        file,
        task_id,
        department=department,
        officer=officer,
        reason=reason,
        by=of_department(caller),
        now=tx.now,
        calendar=holiday_calendar,
    )
    return keep(tx, file), task
