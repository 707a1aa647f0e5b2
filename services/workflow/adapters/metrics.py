"""Metrics of workflow. Items and departments are those of the catalogue; no label says whose case it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chassis.metrics import Metrics
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.states import TaskState

WORKFLOW = Metrics("workflow")
_DAY = 86_400

CASES = WORKFLOW.gauge(
    "tongban_cases", "Cases that are not closed, by item, lead department and state", "未办结的办件，按事项、牵头部门、状态",
    ["item", "department", "state"], by="jobs",
)  # fmt: skip
CASE_MOVES = WORKFLOW.counter(
    "tongban_case_moves_total",
    "Moves of cases into a state",
    "办件进入某状态的次数",
    ["item", "state"],
    by="web worker jobs",
)
TASKS_OPEN = WORKFLOW.gauge(
    "tongban_tasks_open", "Tasks that a department has not answered", "部门尚未答复的任务", ["department"], by="jobs"
)
TASKS_OVERDUE = WORKFLOW.gauge(
    "tongban_tasks_overdue",
    "Open tasks whose last day has passed",
    "已过办理期限的未答复任务",
    ["department"],
    by="jobs",
)
ANSWER_SECONDS = WORKFLOW.histogram(
    "tongban_department_answer_seconds", "From a task's assignment to the department's answer", "从任务派发到部门答复的用时",
    ["department"], by="web worker jobs",
    buckets=(60, 600, 3600, 4 * 3600, _DAY, 2 * _DAY, 3 * _DAY, 5 * _DAY, 10 * _DAY, 20 * _DAY, 30 * _DAY, 60 * _DAY),
)  # fmt: skip
DEADLINES_WAITING = WORKFLOW.gauge(
    "tongban_deadlines_waiting",
    "Cases in which a deadline has passed and not fired yet",
    "期限已届满而尚未触发的办件",
    by="jobs",
)
DEADLINES_FIRED = WORKFLOW.counter(
    "tongban_deadlines_fired_total", "Deadlines that took effect by themselves", "自行生效的期限", ["kind"], by="jobs"
)
DEADLINES_FIRED_LATE = WORKFLOW.counter(
    "tongban_deadlines_fired_late_total", "Those that took effect over 60 s after the instant on which they could",
    "其中晚于可生效时刻 60 秒以上的", ["kind"], by="jobs",
)  # fmt: skip
APPOINTMENTS_OPEN = WORKFLOW.gauge(
    "tongban_appointments_open",
    "Appointments booked and not yet kept or cancelled",
    "已预约、尚未到场或取消的预约",
    by="jobs",
)


def counting(files: Iterable[CaseFile]) -> Callable[[], None]:
    """What counts the moves and answers that ``files`` hold now: call it once they are committed."""
    moves = [(file.item.item_code, move.after.value) for file in files for move in file.transitions]
    touched = [file.tasks[task_id] for file in files for task_id in file.touched]
    answers = [
        (task.department, (task.closed_at - task.assigned_at).total_seconds())
        for task in touched
        if task.state is TaskState.ANSWERED and task.closed_at is not None
    ]

    def count() -> None:
        for item, state in moves:
            CASE_MOVES.labels(item, state).inc()
        for department, seconds in answers:
            ANSWER_SECONDS.labels(department).observe(seconds)

    return count
