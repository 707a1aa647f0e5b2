"""Random histories, lawful and unlawful, of random items; after every step, everything that must hold of a case.

Nothing here asks the rules what they allow: what is refused must change nothing, and what is done must hold.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chassis.errors import Refusal
from contracts.case import CaseMaterial, Defect
from contracts.item import Condition, Limit, PlanStep
from faults.clock_oracle import last_day
from services.workflow.domain import delivery, lifecycle, special_procedure
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer, Transition
from services.workflow.domain.deadline import Day
from services.workflow.domain.lapse import lapse
from services.workflow.domain.opening import Choices, RenewedLicence, open_case
from services.workflow.domain.opinion import Opinion, give_opinion
from services.workflow.domain.outlook import waiting_for
from services.workflow.domain.reassignment import reassign
from tests.services.workflow.folding import Told
from tests.services.workflow.walk_items import CODES, LEAD, LICENCE_TYPE, random_form, random_item

ENDED = frozenset({"closed", "denied", "not_accepted", "withdrawn", "deemed_withdrawn", "revoked", "terminated"})
PERSON, HEAD = Doer("p-1", channel="web"), Doer(LEAD, channel="web")
_NOT_STORED = {"transitions", "events", "touched", "added_materials", "changed", "_latest", "_latest_of", "version"}
_STORED = [field.name for field in fields(CaseFile) if field.name not in {*_NOT_STORED, "item", "tasks", "policy"}]
_TASK = (
    "state",
    "verdict",
    "due_on",
    "department",
    "assignee",
    "signatures",
    "round",
    "closed_at",
    "reason",
    "officer",
)


def snapshot(file: CaseFile) -> dict[str, Any]:
    """Everything of the file that is stored, as values."""
    kept = {name: getattr(file, name) for name in _STORED}
    kept |= {"form": dict(file.form), "materials": dict(file.materials), "delivery": dict(file.delivery or {})}
    return kept | {"tasks": {no: [getattr(t, name) for name in _TASK] for no, t in file.tasks.items()}}


class Walk:
    """One case and its day. ``after_step`` is called with it after everything that was done or refused."""

    def __init__(self, seed: int, after_step: Callable[[Walk], None] = lambda _walk: None) -> None:
        self.rng, self.after_step = random.Random(seed), after_step
        self.today = date(2027, 1, 1) + timedelta(days=self.rng.randrange(300))
        self.swapped = {date(2027, 1, 1) + timedelta(days=self.rng.randrange(1200)) for _ in range(60)}
        self.received = self.today
        self.told = Told()
        self.sequence: list[int] = []
        self.starts: dict[str, date] = {}
        self.last: str | None = None
        self.checked = self.done = self.refused = 0
        self.item = random_item(self.rng, self.today)
        self.file = self._opened()
        self._check(None)

    def _opened(self) -> CaseFile:
        form = random_form(self.rng)
        renews = RenewedLicence("1.2.3", LICENCE_TYPE, self.today + timedelta(days=self.rng.randint(20, 60)))
        commit = self.item.commitment is not None and self.rng.random() < 0.7
        later = tuple(m.code for m in self.item.materials if m.later_working_days and self.rng.random() < 0.6)
        applicable = [m.code for m in self.item.materials if _holds(m.when, form)]
        self.papers = [code for code in applicable if code not in later and not (commit and code == "plan")]
        return open_case(
            case_no="C1",
            item=self.item,
            applicant_id="p-1",
            doer=PERSON,
            channel="web",
            form=form,
            materials=[self._paper(code) for code in self.papers],
            choices=Choices(later=later, commitment=commit, renews=renews if self.item.renewal else None),
            **self.at,
        )

    # the clock

    def is_workday(self, on: date) -> bool:
        return (on.isoweekday() <= 5) != (on in self.swapped)

    @property
    def at(self) -> dict[str, Any]:
        now = datetime(self.today.year, self.today.month, self.today.day, 2, tzinfo=UTC)
        return {"now": now, "calendar": lambda on: Day(working=self.is_workday(on), published=True)}

    # what may happen

    def run(self, steps: int) -> Walk:
        """So many things happen; a case that has ended refuses the rest."""
        for _ in range(steps):
            self.step()
        return self

    def step(self) -> None:
        """Something happens, or is refused."""
        acts: list[tuple[int, Callable[[], Any]]] = [
            (10, self._answer), (2, self._wait), (2, self._hand_in), (1, self._other), (1, self._licence), (1, self._look),
        ]  # fmt: skip
        before = snapshot(self.file)
        told, moves = len(self.file.events), len(self.file.transitions)
        self.checked = moves
        try:
            self.rng.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()
        except Refusal as refusal:
            self.refused += 1
            assert refusal.code, "a refusal without a code"
            after = snapshot(self.file)
            differing = [name for name in before if before[name] != after[name]]
            assert not differing, f"refused with {refusal.code}, and yet changed: {differing}"
            assert (len(self.file.events), len(self.file.transitions)) == (told, moves), refusal.code
        else:
            self.done += 1
        self._check(before)
        self.after_step(self)

    def _paper(self, code: str) -> CaseMaterial:
        number = f"m-{self.rng.randrange(10**9)}"
        return CaseMaterial(
            material_id=number, code=code, name=code, media_type="application/pdf", size_bytes=1, sha256="0" * 64
        )

    def _answer(self) -> None:
        rng = self.rng
        waiting = self.file.open_tasks() if rng.random() < 0.9 else []
        task = rng.choice(waiting or list(self.file.tasks.values()))
        weights = {"agree": 12, "disagree": 2 if rng.random() < 0.6 else 0, "correction_needed": 3}
        verdict: Any = rng.choices(list(weights), list(weights.values()))[0]
        named = rng.sample([*CODES, "passport"], rng.randint(0, 2))
        person = rng.choice((None, "甲", "乙", "丙"))
        given = Opinion(
            task_id=task.task_id if rng.random() < 0.98 else "C1-nothing-1",
            department=task.department if rng.random() < 0.95 else "police",
            verdict=verdict,
            reason=rng.choice(("", "理由", "理由")),
            defects=tuple(Defect(material_code=code, problem="x") for code in named) if verdict != "agree" else (),
            officer=person,
            account_id=None if person is None or rng.random() < 0.3 else f"a-{person}",
            conditions=("限时",) if rng.random() < 0.1 else (),
        )
        give_opinion(self.file, given, **self.at)

    def _hand_in(self) -> None:
        wanted = {
            d.material_code for t in self.file.latest().values() if t.verdict == "correction_needed" for d in t.defects
        }
        owed = {p.material_code for p in self.file.promises if p.kind == "deferred" and p.kept_on is None}
        correcting = self.rng.random() < (0.9 if self.file.state.value == "awaiting_correction" else 0.2)
        codes = sorted(wanted if correcting else owed) if self.rng.random() < 0.8 else self.rng.sample(CODES, 2)
        act = lifecycle.correct if correcting else lifecycle.supplement
        act(self.file, [self._paper(code) for code in codes], by=PERSON, **self.at)
        if correcting:
            self.received = self.today

    def _other(self) -> None:
        now = {"now": self.at["now"]}
        task = self.rng.choice(list(self.file.tasks.values())).task_id
        announced = Limit(amount=self.rng.randint(1, 35), unit="day")
        approval = {"reason": "x", "approved_by": "x", "rank": self.rng.choice(("agency_head", "government_head"))}
        acts: list[tuple[int, Callable[[], Any]]] = [
            (1, lambda: lifecycle.withdraw(self.file, by=PERSON, reason="x", **now)),
            (1, lambda: lifecycle.terminate(self.file, by=HEAD, reason="x", **now)),
            (6, lambda: special_procedure.begin_special_procedure(
                self.file, self.rng.choice(("review", "hearing")), announced, reason="x", by=HEAD, **self.at)),
            (4, lambda: special_procedure.end_special_procedure(self.file, why="x", by=HEAD, **self.at)),
            (4, lambda: special_procedure.extend(self.file, by=HEAD, **approval, **self.at)),
            (5, lambda: reassign(self.file, task, department=self.rng.choice((None, "fire", "north")),
                                 officer=self.rng.choice((None, "a-甲")), reason="x", by=HEAD, **self.at)),
            (3, lambda: delivery.pick_up(self.file, received_by="x", by=HEAD, **now)),
        ]  # fmt: skip
        self.rng.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()

    def _licence(self) -> None:
        """Documents issues it when it hears of the approval, and may say so twice."""
        if self.told.state in ("approved", "closed"):
            lifecycle.record_licence(self.file, "L1", now=self.at["now"])
        if self.file.delivery_way == "pick_up" and self.rng.random() < 0.5:
            delivery.pick_up(self.file, received_by="x", by=HEAD, now=self.at["now"])

    def _wait(self) -> None:
        self.today += timedelta(days=self.rng.choice((0, 1, 1, 2, 3, 5, 8, 21)))
        if self.rng.random() < 0.7:  # the scheduler may be late
            self._look()

    def _look(self) -> None:
        lapse(self.file, **self.at)

    # what must hold

    def _check(self, before: dict[str, Any] | None) -> None:
        file = self.file
        self._hear()
        self._as_told()
        state = file.state.value
        if before is not None and before["state"].value in ENDED:
            assert state == before["state"].value, "an ended case went on"
        assert self.told.notices <= 1, "a second notice"
        assert self.told.decisions == (1 if state in ("approved", "delivered", "closed", "revoked", "denied") else 0)
        assert self.told.ended == (1 if state in ENDED else 0)
        open_tasks = [task for task in file.tasks.values() if task.state.value == "open"]
        if state in ENDED:
            assert not open_tasks, "an ended case waits for a department"
        else:
            at_counter = file.licence_no is not None and file.delivered_at is None
            assert waiting_for(file) or at_counter, f"{state}: nobody has to act"
        self._moves(file.transitions if before is None else file.transitions[self.checked :])
        keys = [(task.step, task.round) for task in file.tasks.values()]
        assert len(keys) == len(set(keys)), "two tasks of one step and round"
        for task in open_tasks:
            assert task.department
            assert task.due_on == self._oracle(task.task_id), (
                f"{task.task_id}: {task.due_on} {self._oracle(task.task_id)}"
            )
        self._joins()

    def _moves(self, moves: Sequence[Transition]) -> None:
        """The history has no gap; nothing is granted out of turn or while a material is owed, but by the law itself (§50)."""
        for move in moves:
            assert move.before == self.last, "the history has a gap"
            assert move.rule, "a move without a rule"
            if move.after.value == "approved" and "§50" not in move.rule:
                assert move.before == "under_examination", f"granted when it was {move.before}"
                assert all(p.kept_on for p in self.file.promises if p.kind == "deferred"), (
                    "granted although one is owed"
                )
            self.last = move.after
        assert self.last == self.file.state

    def _hear(self) -> None:
        """The told events are numbered without a gap; a procedure counts every open task's time anew."""
        drained = self.file.drain_events()
        self.sequence += [number for number, _ in drained]
        assert self.sequence == list(range(1, self.file.event_seq + 1)), "the case's order has a gap"
        for _, event in drained:
            self.told.hear(event)
        anew = any(event.TYPE.startswith("case.special_procedure") for _, event in drained)
        for task in self.file.tasks.values():
            if task.task_id not in self.starts or (anew and task.state.value == "open"):
                self.starts[task.task_id] = self._start(self.file.step_of(task), task.assigned_at.date())

    def _start(self, step: PlanStep, assigned: date) -> date:
        closes = self.item.batches[0].closes if self.file.batch else assigned
        accepted = self.told.accepted_on or assigned
        return {"received": self.received, "accepted": accepted, "batch_closed": closes}.get(step.starts_on, assigned)

    def _oracle(self, task_id: str) -> date:
        step = self.file.step_of(self.file.tasks[task_id])
        limit = step.limit or Limit(amount=step.limit_working_days)
        halts = [(stop.began, stop.ended or stop.until) for stop in self.file.clock.stops]
        return last_day(self.starts[task_id], limit.amount, limit.unit, self.is_workday, halts)

    def _as_told(self) -> None:
        """What was told is enough to know the case."""
        file, told = self.file, self.told
        state = (
            "approved" if file.state.value == "delivered" else file.state.value
        )  # that follows from what others tell
        assert (state, file.accepted_on, file.due_on) == (told.stage, told.accepted_on, told.due_on), "told otherwise"
        assert {code: m.material_id for code, m in file.materials.items()} == told.materials, "materials told otherwise"
        mine = {
            no: (t.department, t.state.value, t.verdict, t.due_on if t.state.value == "open" else None)
            for no, t in file.tasks.items()
        }
        assert mine == told.tasks, f"tasks told otherwise: {[no for no in mine if mine[no] != told.tasks.get(no)]}"
        if state == "awaiting_correction":
            assert file.correct_by == told.correct_by

    def _joins(self) -> None:
        """No step has begun before all that it waits for was answered, steps that do not apply handing on what they wait for."""
        steps = {step.step: step for step in self.item.plan}
        first = {task.step: task for task in self.file.tasks.values() if task.round == 1}
        for name, task in first.items():
            if name not in steps or steps[name].kind in ("delivery", "check"):
                continue
            for earlier in self._waits(steps, name):
                if steps[earlier].kind in ("pre_review", "acceptance") and self.file.accepted_on is not None:
                    continue  # the law may have accepted in a silent department's place
                answers = [t for t in self.file.tasks.values() if t.step == earlier and t.verdict is not None]
                begun = [t for t in answers if t.closed_at is not None and t.closed_at <= task.assigned_at]
                assert begun, f"{name} began before {earlier} was answered"

    def _waits(self, steps: dict[str, PlanStep], name: str) -> Iterator[str]:
        left_out = ("pre_review", "opinion", "examination") if self.file.mode == "commitment" else ("check",)
        for earlier in steps[name].after:
            step = steps[earlier]
            if step.kind in left_out or not _holds(step.when, self.file.form):
                yield from self._waits(steps, earlier)
            else:
                yield earlier


def _holds(conditions: tuple[Condition, ...], form: dict[str, Any]) -> bool:
    for condition in conditions:
        answer = form.get(condition.field)
        fits = answer is not None and (not condition.one_of or answer in condition.one_of)
        if not fits or (condition.at_least is not None and answer < condition.at_least):
            return False
        if condition.at_most is not None and answer > condition.at_most:
            return False
    return True


@contextmanager
def named(seed: int) -> Iterator[None]:
    """A failure says which walk it is."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
