"""The clocks of one case: of acceptance, of the decision, of each stage and task, of delivery; and what made each date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from contracts.item import Extension, Item, Limit, PlanStep, StartEvent
from services.workflow.domain.deadline import Calendar, Due, Halt, Rule, due, law_date
from services.workflow.domain.states import CaseState

if TYPE_CHECKING:
    from services.workflow.domain.case_file import CaseFile
    from services.workflow.domain.case_parts import Task

ACCEPTANCE_LIMIT = Limit(amount=5)  # 行政许可法 §32: five days to accept, refuse or ask for correction
DELIVERY_LIMIT = Limit(amount=10)  # 行政许可法 §44
JOINT_EXTENSION = Extension(limit=Limit(amount=15), approver="government_head")  # 行政许可法 §42: 45 + 15
LICENSING_EXTENSION = Extension(limit=Limit(amount=10), approver="agency_head")  # 行政许可法 §42: 20 + 10
_LICENSING = "01"  # 事项类型: 行政许可

Scope = Literal["acceptance", "case_committed", "case_statutory", "stage", "task", "correction", "delivery"]
STARTS: dict[StartEvent, str] = {
    "received": "自收到申请起算 / from receipt",
    "accepted": "自受理起算 / from acceptance",
    "batch_closed": "自本批受理期限终止起算 / from the close of the round",
    "assigned": "自分派起算 / from assignment",
}


@dataclass(frozen=True)
class Clock:
    """One clock, explained. ``subject`` is the stage or task; ``stopped``: it stands still now; ``rules`` in order."""

    scope: Scope
    subject: str
    due_on: date
    provisional: bool
    stopped: bool
    rules: tuple[Rule, ...]


def extension_of(item: Item) -> Extension | None:
    """By how much the decision may be put off: as the item says, or as the law says of all licences."""
    if item.extension is not None or item.item_type != _LICENSING:
        return item.extension
    return JOINT_EXTENSION if item.joint else LICENSING_EXTENSION


def halts_of(file: CaseFile) -> tuple[Halt, ...]:
    """The time that does not count, as far as it is known: a running procedure counts as announced."""
    return tuple(
        Halt(stop.began, stop.ended or stop.until, f"{stop.name} / {stop.name_en}") for stop in file.clock.stops
    )


def received_on(file: CaseFile) -> date:
    """The day on which the materials were received as they had to be: that of the correction, where one was needed."""
    asked = [task for task in file.tasks.values() if task.verdict == "correction_needed"]
    again = [t for t in file.tasks.values() if any(t.step == a.step and t.round == a.round + 1 for a in asked)]
    return law_date(max((task.assigned_at for task in again), default=file.submitted_at))


def start_of(file: CaseFile, event: StartEvent, assigned_on: date) -> date:
    """The day that is not counted. What has not happened yet is taken to happen on ``assigned_on``."""
    if event == "received":
        return received_on(file)
    if event == "accepted":
        return file.accepted_on or assigned_on
    if event == "batch_closed":
        return next((batch.closes for batch in file.item.batches if batch.name == file.batch), assigned_on)
    return assigned_on


def task_due(file: CaseFile, step: PlanStep, assigned_on: date, calendar: Calendar) -> Due:
    """Last day of a department's task that was assigned on ``assigned_on``."""
    limit = step.limit or Limit(amount=step.limit_working_days)
    return due(start_of(file, step.starts_on, assigned_on), limit, calendar, halts=halts_of(file))


def decision_due(file: CaseFile, limit: Limit, calendar: Calendar) -> Due:
    """Last day of an accepted case's decision by ``limit``, with all that stopped or extended it."""
    assert file.accepted_on is not None
    start = start_of(file, file.item.clock_starts_on, file.accepted_on)
    extended = file.clock.extended
    return due(start, limit, calendar, halts=halts_of(file), extension=None if extended is None else extended.limit)


def reckon_case(file: CaseFile, calendar: Calendar) -> None:
    """Set the due dates of an accepted case."""
    committed = decision_due(file, file.item.committed_limit, calendar)
    statutory = decision_due(file, file.item.statutory_limit, calendar)
    file.due_on, file.statutory_due_on = committed.on, statutory.on
    file.provisional, file.changed = committed.provisional or statutory.provisional, True


def reckon_tasks(file: CaseFile, calendar: Calendar) -> list[Task]:
    """Set the due dates of open tasks anew; those that moved."""
    moved = []
    for task in file.open_tasks():
        on = task_due(file, file.step_of(task), law_date(task.assigned_at), calendar).on
        if on != task.due_on:
            task.due_on = on
            file.touched.add(task.task_id)
            moved.append(task)
    return moved


def clocks_of(file: CaseFile, calendar: Calendar) -> list[Clock]:
    """Every clock of the case with the rules that made its date (explain)."""
    stopped = file.state is CaseState.SPECIAL_PROCEDURE
    found = [_acceptance(file, calendar)]
    if file.accepted_on is not None:
        begun = start_of(file, file.item.clock_starts_on, file.accepted_on)
        start = Rule("start", STARTS[file.item.clock_starts_on], "民法典 §201", begun, begun)
        for scope, limit in (
            ("case_committed", file.item.committed_limit),
            ("case_statutory", file.item.statutory_limit),
        ):
            found.append(_clock(scope, file.case_no, start, decision_due(file, limit, calendar), stopped))  # type: ignore[arg-type]
    tasks = [_task(file, task, calendar, stopped) for task in file.tasks.values()]
    found += [*_stages(file, tasks), *tasks]
    if file.correct_by is not None and file.state is CaseState.AWAITING_CORRECTION:
        told = Rule("correction", "补正期限 / time to correct", "一次性告知书", file.correct_by, file.correct_by)
        found.append(Clock("correction", file.case_no, file.correct_by, False, False, (told,)))
    if file.decided_at is not None and file.state in (CaseState.APPROVED, CaseState.DELIVERED, CaseState.CLOSED):
        decided = law_date(file.decided_at)
        start = Rule("start", "自决定起算 / from the decision", "行政许可法 §44", decided, decided)
        found.append(_clock("delivery", file.case_no, start, due(decided, DELIVERY_LIMIT, calendar), False))
    return found


def _clock(scope: Scope, subject: str, start: Rule, last: Due, stopped: bool) -> Clock:
    return Clock(scope, subject, last.on, last.provisional, stopped, (start, *last.rules))


def _acceptance(file: CaseFile, calendar: Calendar) -> Clock:
    received = law_date(file.submitted_at)
    last = due(received, ACCEPTANCE_LIMIT, calendar)
    rules = (Rule("start", STARTS["received"], "行政许可法 §32", received, received), *last.rules)
    if last.on != file.accept_by:  # it began anew when the applicant had corrected
        anew = "补正后重新起算 / counted anew from the correction"
        rules = (*rules, Rule("restart", anew, "行政许可法 §32", last.on, file.accept_by))
    return Clock("acceptance", file.case_no, file.accept_by, last.provisional, False, rules)


def _task(file: CaseFile, task: Task, calendar: Calendar, stopped: bool) -> Clock:
    step, assigned_on = file.step_of(task), law_date(task.assigned_at)
    begun = start_of(file, step.starts_on, assigned_on)
    start = Rule("start", STARTS[step.starts_on], "民法典 §201", begun, begun)
    limit = step.limit or Limit(amount=step.limit_working_days)
    ended_on = None if task.closed_at is None else law_date(task.closed_at)
    last = due(begun, limit, calendar, halts=[h for h in halts_of(file) if ended_on is None or h.began < ended_on])
    rules = last.rules
    if last.on != task.due_on:  # what stopped the case on the very day that the task ended
        says = "环节结束时的期限 / the date when the task ended"
        rules = (Rule("recorded", says, "办件记录", begun, task.due_on),)
    return Clock(
        "task", task.task_id, task.due_on, last.provisional, stopped and task.closed_at is None, (start, *rules)
    )


def _stages(file: CaseFile, tasks: Sequence[Clock]) -> list[Clock]:
    """A stage is due when the last of its tasks begun is."""
    due_of = {clock.subject: clock for clock in tasks}
    latest: dict[str, Clock] = {}
    for name, task in file.latest().items():
        stage = file.step_of(task).stage
        clock = due_of[task.task_id]
        if stage and (stage not in latest or clock.due_on > latest[stage].due_on):
            rule = Rule(
                "latest_task", f"环节 {name} 最晚 / step {name} is due last", "并联", clock.due_on, clock.due_on
            )
            latest[stage] = Clock("stage", stage, clock.due_on, clock.provisional, clock.stopped, (*clock.rules, rule))
    return list(latest.values())
