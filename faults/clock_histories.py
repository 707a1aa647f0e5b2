"""Random histories of cases through workflow's own rules, every date of which the oracle computes again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from chassis.errors import Refusal
from contracts.item import (
    Batch,
    Extension,
    Item,
    LicenceTemplate,
    Limit,
    LimitUnit,
    PlanStep,
    SpecialProcedure,
    StartEvent,
)
from faults.clock_oracle import Span, last_day
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer
from services.workflow.domain.clocks import extension_of
from services.workflow.domain.deadline import Day
from services.workflow.domain.opening import open_case
from services.workflow.domain.opinion import Opinion, give_opinion
from services.workflow.domain.special_procedure import begin_special_procedure, end_special_procedure, extend
from services.workflow.domain.states import CaseState, TaskState

Workdays = Callable[[date], bool]
Compared = tuple[str, date | None, date]
"""(which clock, what the platform says, what the oracle says)."""

UNITS: tuple[LimitUnit, ...] = ("working_day", "day", "month")
STARTS: tuple[StartEvent, ...] = ("received", "accepted", "batch_closed", "assigned")
LEAD = Doer("lead")
_MOST: dict[LimitUnit, int] = {"working_day": 60, "day": 90, "month": 6}


def invented_workdays(rng: random.Random) -> Workdays:
    """A calendar of weeks with holidays and working weekends (调休) where ``rng`` puts them."""
    swapped = {date(2027, 1, 1) + timedelta(days=rng.randrange(1500)) for _ in range(rng.randrange(120))}
    return lambda on: (on.isoweekday() <= 5) != (on in swapped)


def _limit(rng: random.Random) -> Limit:
    unit = rng.choice(UNITS)
    return Limit(amount=rng.randint(1, _MOST[unit]), unit=unit)


def _item(rng: random.Random, today: date) -> Item:
    def step(name: str, department: str, kind: str, *after: str) -> PlanStep:
        return PlanStep(
            step=name,
            name=name,
            name_en=name,
            department=department,
            kind=kind,  # type: ignore[arg-type]
            limit_working_days=3,
            limit=rng.choice((None, _limit(rng))),
            starts_on=rng.choice(STARTS),
            after=after,
        )

    extension = rng.choice(
        (None, Extension(limit=_limit(rng), approver=rng.choice(("agency_head", "government_head"))))
    )
    return Item(
        item_code="11370800MB285591844370105005001",
        version=1,
        basic_code="370105005001",
        name="事项",
        name_en="item",
        item_type=rng.choice(("01", "07")),
        lead_department="lead",
        statutory_limit=_limit(rng),
        committed_limit=_limit(rng),
        form_schema={},
        materials=(),
        plan=(
            step("accept", "lead", "acceptance"),
            step("a", "a", "opinion", "accept"),
            step("b", "b", "opinion", "accept"),
            step("decide", "lead", "decision", "a", "b"),
        ),
        result=LicenceTemplate(name="证", name_en="licence", type_code="", issuer_name="", issuer_uscc=""),
        clock_starts_on=rng.choice(STARTS),
        joint=rng.random() < 0.3,
        extension=extension,
        special_procedures=(
            SpecialProcedure(code="review", name="评审", name_en="review", longest=Limit(amount=120, unit="day")),
        ),
        batches=(Batch(name="春", name_en="spring", opens=today, closes=today + timedelta(days=rng.randrange(40))),),
    )


def play(rng: random.Random, first: date, is_workday: Workdays) -> Iterator[Compared]:
    """One case from its receipt on, and after everything that happens to it, every date that it has."""
    case = _History(rng, first, is_workday)
    yield from case.dates()
    for _ in range(rng.randint(1, 8)):
        case.wait()
        case.act()
        yield from case.dates()


class _History:
    def __init__(self, rng: random.Random, first: date, is_workday: Workdays) -> None:
        self.rng, self.today, self.is_workday = rng, first, is_workday
        self.received = first
        self.accepted: date | None = None
        self.halts: list[Span] = []
        self.extended = False
        self.assigned: dict[str, date] = {}
        self.file: CaseFile = open_case(
            case_no="1",
            item=_item(rng, first),
            applicant_id="p",
            doer=Doer("p"),
            channel="web",
            form={},
            materials=(),
            now=self.now,
            calendar=self.calendar,
        )
        self._note_tasks()

    @property
    def now(self) -> datetime:
        """Some time of today in China."""
        return datetime(self.today.year, self.today.month, self.today.day, 4, tzinfo=UTC)

    def calendar(self, on: date) -> Day:
        """As workflow asks for it."""
        return Day(working=self.is_workday(on), published=True)

    def wait(self) -> None:
        """Some days pass."""
        self.today += timedelta(days=self.rng.choice((0, 0, 1, 2, 3, 7, 20)))

    def act(self) -> None:
        """Something that the rules allow, or refuse."""
        self.rng.choice((self._answer, self._answer, self._stop, self._go_on, self._extend))()
        self._note_tasks()

    def _answer(self) -> None:
        task = self.rng.choice(self.file.open_tasks() or [None])
        if task is None or task.kind == "decision":
            return
        given = Opinion(task_id=task.task_id, department=task.department, verdict="agree")
        give_opinion(self.file, given, now=self.now, calendar=self.calendar)
        if task.step == "accept":
            self.accepted = self.today

    def _stop(self) -> None:
        announced = Limit(amount=self.rng.randint(1, 30), unit=self.rng.choice(("working_day", "day")))
        running = self.file.state is CaseState.UNDER_EXAMINATION
        try:
            begin_special_procedure(
                self.file, "review", announced, reason="评审", by=LEAD, now=self.now, calendar=self.calendar
            )
        except Refusal:
            assert not running
            return
        until = last_day(self.today, announced.amount, announced.unit, self.is_workday)
        self.halts.append((self.today, until))

    def _go_on(self) -> None:
        if self.file.state is not CaseState.SPECIAL_PROCEDURE:
            return
        end_special_procedure(self.file, why="完毕", by=LEAD, now=self.now, calendar=self.calendar)
        began, until = self.halts[-1]
        self.halts[-1] = (began, min(self.today, until))

    def _extend(self) -> None:
        allowed = extension_of(self.file.item)
        try:
            extend(
                self.file,
                reason="复杂",
                approved_by="x",
                rank="government_head",
                by=LEAD,
                now=self.now,
                calendar=self.calendar,
            )
        except Refusal:
            return
        assert allowed is not None
        assert not self.extended
        self.extended = True

    def _note_tasks(self) -> None:
        for task in self.file.tasks.values():
            self.assigned.setdefault(task.step, self.today)

    def _start(self, event: StartEvent, assigned: date) -> date:
        closes = self.file.item.batches[0].closes
        starts = {"received": self.received, "accepted": self.accepted or assigned, "batch_closed": closes}
        return starts.get(event, assigned)

    def dates(self) -> Iterator[Compared]:
        """Every date of the case, and the oracle's."""
        item = self.file.item
        yield "accept_by", self.file.accept_by, last_day(self.received, 5, "working_day", self.is_workday)
        if self.accepted is not None:
            start = self._start(item.clock_starts_on, self.accepted)
            allowed = extension_of(item)
            more = (allowed.limit.amount, allowed.limit.unit) if self.extended and allowed is not None else None
            for name, limit, said in (
                ("committed", item.committed_limit, self.file.due_on),
                ("statutory", item.statutory_limit, self.file.statutory_due_on),
            ):
                yield name, said, last_day(start, limit.amount, limit.unit, self.is_workday, self.halts, more)
        for task in self.file.tasks.values():
            if task.state is not TaskState.OPEN:
                continue
            step = self.file.step_of(task)
            limit = step.limit or Limit(amount=step.limit_working_days)
            start = self._start(step.starts_on, self.assigned[task.step])
            yield task.step, task.due_on, last_day(start, limit.amount, limit.unit, self.is_workday, self.halts)
