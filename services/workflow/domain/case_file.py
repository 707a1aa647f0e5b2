"""A case with everything that belongs to it (案卷).

Pure: it takes values and the time, changes itself, and collects the events to tell and the transitions to keep.
``adapters/case_store.py`` loads and saves it. What it holds is in ``case_parts.py``, what may happen to it in the modules
beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from chassis.errors import Refusal
from contracts.case import CaseMaterial, CaseMode, Channel
from contracts.envelope import Event
from contracts.item import DeliveryWay, Item, MaterialRule, PlanStep
from contracts.task import OLD_KINDS, PriorOpinion, TaskAssigned, TaskCancelled
from services.workflow.domain.case_parts import (
    CaseClock,
    Doer,
    Policy,
    Promise,
    Task,
    Transition,
)
from services.workflow.domain.clocks import task_due
from services.workflow.domain.deadline import Calendar, law_date
from services.workflow.domain.joint_review import Answer
from services.workflow.domain.plan import (
    BEFORE_ACCEPTANCE,
    RULING,
    after_decision,
    applicable_materials,
    needs_ruling,
    plan_of,
    ruling_on,
    startable,
    step_named,
)
from services.workflow.domain.states import GRANTED, NEXT, TERMINAL, CaseState, TaskState


@dataclass
class CaseFile:
    """One case. ``version`` counts saved changes; ``event_seq`` the events told about it.

    ``agent_name`` and ``applicant_name`` are known when an agent handed it in (经办人、委托人). ``due_on`` is the committed
    date and ``statutory_due_on`` the law's. ``notice_by``: the last day on which a correction may still wait for other
    departments; ``correct_by``: the last day to correct. ``renews_until``: last day of the licence that it renews, if it
    was applied for in time.
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
    statutory_due_on: date | None = None
    provisional: bool = False
    clock: CaseClock = field(default_factory=CaseClock)
    correction_used: bool = False
    notice_by: date | None = None
    correct_by: date | None = None
    mode: CaseMode = "ordinary"
    batch: str | None = None
    bundle_no: str | None = None
    eligibility: Mapping[str, bool] | None = None
    promises: tuple[Promise, ...] = ()
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_reason: str | None = None
    licence_no: str | None = None
    licence_until: date | None = None
    renews_licence: str | None = None
    renews_until: date | None = None
    delivery_way: DeliveryWay = "electronic"
    delivery: dict[str, Any] | None = None
    delivered_at: datetime | None = None
    closed_at: datetime | None = None
    agent_name: str | None = None
    applicant_name: str | None = None
    policy: Policy = field(default_factory=Policy)
    version: int = 0
    event_seq: int = 0
    # what this unit of work has done
    transitions: list[Transition] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    added_materials: list[CaseMaterial] = field(default_factory=list)
    changed: bool = False
    _latest: dict[str, Task] = field(default_factory=dict)
    _latest_of: int = 0

    @cached_property
    def plan(self) -> tuple[PlanStep, ...]:
        """The steps that apply to this case."""
        return plan_of(self.item, self.form, commitment=self.mode == "commitment")

    @cached_property
    def late_steps(self) -> frozenset[str]:
        """The steps that are for what follows a decision to grant."""
        return after_decision(self.plan)

    @cached_property
    def guide(self) -> tuple[MaterialRule, ...]:
        """The materials that may be asked for in this case."""
        return applicable_materials(self.item, self.form)

    def move(self, to: CaseState, *, at: datetime, by: str | Doer, why: str, rule: str | None = None) -> None:
        """Change the state along the declared table; ``rule`` where it is not the table's. Raises Refusal
        ``move_not_allowed``.
        """
        allowed = NEXT[self.state]
        if to not in allowed:
            raise Refusal(
                "move_not_allowed",
                f"办件状态为 {self.state}，不能变为 {to} / the case is {self.state}, not to become {to}",
                case_no=self.case_no,
                state=self.state.value,
                to=to.value,
                allowed={state.value: basis for state, basis in allowed.items()},
                rule="办件已终结 / the case has ended" if self.state in TERMINAL else "状态表 / the table of states",
            )
        doer = Doer(by) if isinstance(by, str) else by
        self.transitions.append(
            Transition(
                self.state,
                to,
                at,
                doer.account_id,
                why,
                rule or allowed[to],
                doer.name,
                doer.represented,
                doer.channel,
            )
        )
        self.state = to

    def latest(self) -> Mapping[str, Task]:
        """Step name -> its task of the newest round. Tasks are only ever added, so it is made again when there are more."""
        if self._latest_of != len(self.tasks):
            newest: dict[str, Task] = {}
            for task in self.tasks.values():
                if task.step not in newest or task.round > newest[task.step].round:
                    newest[task.step] = task
            self._latest, self._latest_of = newest, len(self.tasks)
        return self._latest

    def answers(self) -> list[Answer]:
        """The newest answer of every step begun, in plan order; what was cancelled gives none."""
        latest = self.latest()
        begun = [latest[step.step] for step in self.plan if step.step in latest]
        return [
            Answer(task.step, task.department, task.verdict, task.defects)
            for task in begun
            if task.state is not TaskState.CANCELLED
        ]

    def step_of(self, task: Task) -> PlanStep:
        """The step that a task belongs to, a ruling's included."""
        if task.step.endswith(RULING):
            return ruling_on(self.item, step_named(self.plan, task.step.removesuffix(RULING)))
        return step_named(self.plan, task.step)

    def start_ready_steps(self, *, now: datetime, calendar: Calendar) -> None:
        """Assign every step whose predecessors are done: the parallel branches, and rulings on objections."""
        self._start_rulings(now=now, calendar=calendar)
        latest = self.latest()
        passed = {step.step for step in self.plan if self._passed(step)}
        done = passed.union(name for name, task in latest.items() if self._done(task, latest))
        for step in startable(self.plan, done=done, begun=passed.union(latest)):
            self.assign(step, now=now, calendar=calendar)

    def _start_rulings(self, *, now: datetime, calendar: Calendar) -> None:
        latest = self.latest()
        for step in [step for step in self.plan if step.step in latest and latest[step.step].verdict == "disagree"]:
            objected_at, ruling = latest[step.step].closed_at or now, latest.get(step.step + RULING)
            if needs_ruling(self.item, self.plan, step) and (ruling is None or ruling.assigned_at < objected_at):
                self.assign(ruling_on(self.item, step), now=now, calendar=calendar)

    @staticmethod
    def _done(task: Task, latest: Mapping[str, Task]) -> bool:
        ruling = latest.get(task.step + RULING)
        return task.verdict in ("agree", "disagree") and (ruling is None or ruling.state is not TaskState.OPEN)

    def _passed(self, step: PlanStep) -> bool:
        """Whether the case is beyond what the step is for, as when the law acted in a silent department's place."""
        if step.kind in BEFORE_ACCEPTANCE:
            return self.accepted_on is not None
        return self.state in GRANTED and step.step not in self.late_steps

    def all_done(self) -> bool:
        """Whether every step that the case is not beyond has its answer, later checks left out."""
        latest = self.latest()
        return all(
            self._passed(step) or (step.step in latest and latest[step.step].state is TaskState.ANSWERED)
            for step in self.plan
            if step.kind != "check"
        )

    def assign(
        self, step: PlanStep, *, now: datetime, calendar: Calendar, department: str | None = None, tell: bool = True
    ) -> Task:
        """Give ``step``, in its next round, to its department (or another) with a due date of its own."""
        before = self.latest().get(step.step)
        round_no = 1 if before is None else before.round + 1
        task = Task(
            task_id=f"{self.case_no}-{step.step}-{round_no}",
            step=step.step,
            step_name=step.name,
            kind=step.kind,
            round=round_no,
            department=department or step.department,
            state=TaskState.OPEN,
            due_on=law_date(now),
            assigned_at=now,
            is_new=True,
        )
        # It belongs to the case before its time is reckoned: a corrected application is received with this very round.
        self.tasks[task.task_id] = task
        task.due_on = task_due(self, step, law_date(now), calendar).on
        self.touched.add(task.task_id)
        if tell:
            self.events.append(self.assignment(task))
        return task

    def assignment(self, task: Task) -> TaskAssigned:
        """The task as its department sees it: complete in itself, and no more than it needs."""
        step = self.step_of(task)
        latest = self.latest()
        builds_on = [*step.after, *(name + RULING for name in step.after)]
        prior = tuple(
            PriorOpinion(
                step=t.step, department=t.department, verdict=t.verdict, reason=t.reason, conditions=t.conditions
            )
            for t in (latest[name] for name in builds_on if name in latest)
            if t.verdict is not None
        )
        seen, fields = step.materials, step.fields
        return TaskAssigned(
            task_id=task.task_id,
            case_no=self.case_no,
            step=task.step,
            step_name=task.step_name,
            kind=OLD_KINDS.get(task.kind, task.kind),  # type: ignore[arg-type]
            round=task.round,
            department=task.department,
            item_code=self.item.item_code,
            item_name=self.item.name,
            due_on=task.due_on,
            form=self.form if fields is None else {name: self.form[name] for name in fields if name in self.form},
            materials=tuple(m for m in self.materials.values() if seen is None or m.code in seen),
            prior_opinions=prior,
            duty=task.kind if task.kind in OLD_KINDS else None,
            officers=step.officers,
        )

    def cancel(self, task: Task, *, now: datetime, reason: str) -> None:
        """No answer to this task is needed any more."""
        task.state, task.closed_at = TaskState.CANCELLED, now
        self.touched.add(task.task_id)
        self.events.append(
            TaskCancelled(task_id=task.task_id, case_no=self.case_no, department=task.department, reason=reason)
        )

    def cancel_open_tasks(self, *, now: datetime, reason: str) -> None:
        """No answer is needed any more."""
        for task in self.open_tasks():
            self.cancel(task, now=now, reason=reason)

    def open_tasks(self) -> list[Task]:
        """The tasks that wait for an answer."""
        return [task for task in self.tasks.values() if task.state is TaskState.OPEN]

    def drain_events(self) -> list[tuple[int, Event]]:
        """Events collected since the last call, each with its place in the case's order."""
        drained = []
        for event in self.events:
            self.event_seq += 1
            drained.append((self.event_seq, event))
        self.events.clear()
        return drained
