"""A case with everything that belongs to it (案卷), and what may happen to it.

Pure: it takes values and the time, changes itself, and collects the events to tell and the transitions to keep.
``adapters/case_store.py`` loads and saves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from chassis.errors import Refusal
from contracts.case import CaseMaterial, Channel, Defect
from contracts.envelope import Event
from contracts.item import Item, Limit, PlanStep, StepKind
from contracts.task import PriorOpinion, TaskAssigned, TaskCancelled, Verdict
from services.workflow.domain.deadline import Calendar, due, law_date
from services.workflow.domain.joint_review import Answer
from services.workflow.domain.plan import startable
from services.workflow.domain.states import NEXT, CaseState, TaskState


@dataclass
class Task:
    """One department's part in one round. ``closed_at`` is when it was answered or cancelled.

    ``account_id`` is the account of the officer who answered; None when the department's system did.
    """

    task_id: str
    step: str
    step_name: str
    kind: StepKind
    round: int
    department: str
    state: TaskState
    due_on: date
    assigned_at: datetime
    verdict: Verdict | None = None
    reason: str = ""
    defects: tuple[Defect, ...] = ()
    officer: str | None = None
    account_id: str | None = None
    closed_at: datetime | None = None
    acknowledged_at: datetime | None = None


@dataclass
class Transition:
    """A move of the case: the history is the audit trail.

    ``by`` is the account that really did it; ``by_name`` and ``for_name`` stand there when it acted for another (委托代办).
    """

    before: CaseState | None
    after: CaseState
    at: datetime
    by: str
    why: str
    rule: str
    by_name: str | None = None
    for_name: str | None = None


@dataclass(frozen=True)
class Doer:
    """Who does something to a case: an account, and both names when it acts for another."""

    account_id: str
    name: str | None = None
    represented: str | None = None


@dataclass
class CaseFile:
    """One case. ``version`` counts saved changes; ``event_seq`` the events told about it.

    ``agent_name`` and ``applicant_name`` are known when an agent handed it in (经办人、委托人).
    """

    case_no: str
    item: Item
    applicant_id: str
    submitted_by: str
    channel: Channel
    form: dict[str, Any]
    submitted_at: datetime
    accept_by: date
    state: CaseState
    materials: dict[str, CaseMaterial]
    tasks: dict[str, Task] = field(default_factory=dict)
    accepted_on: date | None = None
    due_on: date | None = None
    provisional: bool = False
    correction_used: bool = False
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_reason: str | None = None
    licence_no: str | None = None
    closed_at: datetime | None = None
    agent_name: str | None = None
    applicant_name: str | None = None
    version: int = 0
    event_seq: int = 0
    # what this unit of work has done
    transitions: list[Transition] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    added_materials: list[CaseMaterial] = field(default_factory=list)
    changed: bool = False

    def move(self, to: CaseState, *, at: datetime, by: str | Doer, why: str, rule: str) -> None:
        """Change the state along the declared table. Raises Refusal ``move_not_allowed``."""
        if to not in NEXT[self.state]:
            raise Refusal(
                "move_not_allowed",
                f"办件状态为 {self.state}，不能变为 {to} / the case is {self.state}, not to become {to}",
                case_no=self.case_no,
                state=self.state.value,
            )
        doer = Doer(by) if isinstance(by, str) else by
        self.transitions.append(Transition(self.state, to, at, doer.account_id, why, rule, doer.name, doer.represented))
        self.state = to

    def latest(self) -> dict[str, Task]:
        """Step name -> its task of the newest round."""
        newest: dict[str, Task] = {}
        for task in self.tasks.values():
            if task.step not in newest or task.round > newest[task.step].round:
                newest[task.step] = task
        return newest

    def answers(self) -> list[Answer]:
        """The newest answer of every step begun, in plan order."""
        latest = self.latest()
        begun = [latest[step.step] for step in self.item.plan if step.step in latest]
        return [Answer(task.step, task.department, task.verdict, task.defects) for task in begun]

    def start_ready_steps(self, *, now: datetime, calendar: Calendar) -> None:
        """Assign every step whose predecessors are done: the parallel branches."""
        latest = self.latest()
        done = [name for name, task in latest.items() if task.verdict in ("agree", "disagree")]
        for step in startable(self.item.plan, done=done, begun=latest):
            self.assign(step, round_no=1, now=now, calendar=calendar)

    def assign(self, step: PlanStep, *, round_no: int, now: datetime, calendar: Calendar) -> None:
        """Give ``step`` to its department with a due date of its own."""
        last_day = due(law_date(now), Limit(amount=step.limit_working_days), calendar).on
        task = Task(
            task_id=f"{self.case_no}-{step.step}-{round_no}",
            step=step.step,
            step_name=step.name,
            kind=step.kind,
            round=round_no,
            department=step.department,
            state=TaskState.OPEN,
            due_on=last_day,
            assigned_at=now,
        )
        self.tasks[task.task_id] = task
        self.touched.add(task.task_id)
        self.events.append(self.assignment(task))

    def assignment(self, task: Task) -> TaskAssigned:
        """The task as its department sees it: complete in itself."""
        needs = next(step.after for step in self.item.plan if step.step == task.step)
        latest = self.latest()
        prior = tuple(
            PriorOpinion(step=t.step, department=t.department, verdict=t.verdict, reason=t.reason)
            for t in (latest[name] for name in needs if name in latest)
            if t.verdict is not None
        )
        return TaskAssigned(
            task_id=task.task_id,
            case_no=self.case_no,
            step=task.step,
            step_name=task.step_name,
            kind=task.kind,
            round=task.round,
            department=task.department,
            item_code=self.item.item_code,
            item_name=self.item.name,
            due_on=task.due_on,
            form=self.form,
            materials=tuple(self.materials.values()),
            prior_opinions=prior,
        )

    def cancel_open_tasks(self, *, now: datetime, reason: str) -> None:
        """No answer is needed any more."""
        for task in self.tasks.values():
            if task.state is TaskState.OPEN:
                task.state, task.closed_at = TaskState.CANCELLED, now
                self.touched.add(task.task_id)
                cancelled = TaskCancelled(
                    task_id=task.task_id, case_no=self.case_no, department=task.department, reason=reason
                )
                self.events.append(cancelled)

    def drain_events(self) -> list[tuple[int, Event]]:
        """Events collected since the last call, each with its place in the case's order."""
        drained = []
        for event in self.events:
            self.event_seq += 1
            drained.append((self.event_seq, event))
        self.events.clear()
        return drained
