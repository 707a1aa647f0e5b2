"""改派: the lead department gives an open task to another department, or to one officer of the same, with a reason."""

from __future__ import annotations

from datetime import datetime

from chassis.errors import Refusal
from contracts.task import TaskReassigned
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer, Task
from services.workflow.domain.deadline import Calendar
from services.workflow.domain.states import TaskState


def reassign(
    file: CaseFile,
    task_id: str,
    *,
    department: str | None,
    officer: str | None,
    reason: str,
    by: Doer,
    now: datetime,
    calendar: Calendar,
) -> Task:
    """The task as it goes on: in a new round when the department changes, with its clock begun anew."""
    task = file.tasks.get(task_id)
    if task is None:
        raise Refusal("task_unknown", "没有此任务 / there is no such task", task_id=task_id)
    if task.state is not TaskState.OPEN:
        raise Refusal("opinion_too_late", "该任务已终止 / the task has ended", state=file.state.value)
    moves = department is not None and department != task.department
    if not moves and officer is None:
        raise Refusal("reassignment_empty", "请指明改派的部门或人员 / name another department or an officer")
    goes_on = _to_department(file, task, department or "", now=now, calendar=calendar) if moves else task
    goes_on.assignee = officer
    file.touched.add(goes_on.task_id)
    file.changed = True
    if moves:
        file.events.append(file.assignment(goes_on))
    file.events.append(
        TaskReassigned(
            task_id=task.task_id,
            case_no=file.case_no,
            department=task.department,
            reason=reason,
            by=by.account_id,
            new_task_id=goes_on.task_id if moves else None,
            officer=officer,
        )
    )
    return goes_on


def _to_department(file: CaseFile, task: Task, department: str, *, now: datetime, calendar: Calendar) -> Task:
    step = file.step_of(task)
    file.cancel(task, now=now, reason="reassigned")
    return file.assign(step, now=now, calendar=calendar, department=department, tell=False)
