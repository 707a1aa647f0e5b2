"""A case in the hands of the rules alone: no database, a day at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from contracts.case import CaseMaterial, Channel, Defect
from contracts.envelope import Event
from contracts.item import Item, MaterialRule
from contracts.task import Verdict
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import lifecycle
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer, Policy, Task
from services.workflow.domain.lapse import lapse
from services.workflow.domain.opening import Choices, open_case
from services.workflow.domain.opinion import Opinion, give_opinion
from services.workflow.domain.states import TaskState
from tests.factories.items import ITEM_CODE, make_item

PERSON = Doer("p-1", channel="web")
LEAD = Doer("education", name="王某", channel="web")
CASE_NO = f"{ITEM_CODE}202603020001"
MONDAY = date(2026, 3, 2)
"""A Monday; the four weeks that follow have no holiday."""


def changed(item: Item | None = None, **fields: Any) -> Item:
    """The usual item with other fields."""
    return msgspec.structs.replace(item or make_item(), **fields)


def with_steps(item: Item, **steps: dict[str, Any]) -> Item:
    """The item with other fields of the named steps."""
    plan = tuple(msgspec.structs.replace(step, **steps.get(step.step, {})) for step in item.plan)
    return msgspec.structs.replace(item, plan=plan)


def rule(code: str, **fields: Any) -> MaterialRule:
    base = msgspec.structs.replace(make_item().materials[0], code=code, name=code)
    return msgspec.structs.replace(base, **fields)


def paper(code: str, version: int = 1) -> CaseMaterial:
    return CaseMaterial(
        material_id=f"m-{code}-{version}",
        code=code,
        name=code,
        media_type="application/pdf",
        size_bytes=1,
        sha256="0" * 64,
    )


class Case:
    """A case file with a day of its own."""

    def __init__(
        self,
        item: Item | None = None,
        *,
        papers: Sequence[str] = ("application",),
        form: dict[str, Any] | None = None,
        on: date = MONDAY,
        channel: Channel = "web",
        policy: Policy | None = None,
        doer: Doer = PERSON,
        **choices: Any,
    ) -> None:
        self.today = on
        self.file: CaseFile = open_case(
            case_no=CASE_NO,
            item=item or make_item(),
            applicant_id="p-1",
            doer=doer,
            channel=channel,
            form=form or {"plate": "鲁A12345"},
            materials=[paper(code) for code in papers],
            now=self.now,
            calendar=holiday_calendar,
            choices=Choices(**choices),
            policy=policy,
        )

    @property
    def now(self) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, 2, tzinfo=UTC)

    @property
    def at(self) -> dict[str, Any]:
        return {"now": self.now, "calendar": holiday_calendar}

    @property
    def state(self) -> str:
        return self.file.state.value

    def go_to(self, day: date, *, asleep: bool = False) -> None:
        """Days pass; what lapses by itself does, unless ``asleep``."""
        while self.today < day:
            self.today += timedelta(days=1)
            if not asleep:
                lapse(self.file, **self.at)

    def task(self, step: str) -> Task:
        return self.file.latest()[step]

    def open(self) -> list[str]:
        return sorted(task.step for task in self.file.open_tasks())

    def answer(self, step: str, verdict: Verdict = "agree", **fields: Any) -> Task:
        task = self.task(step)
        opinion = Opinion(**{"task_id": task.task_id, "department": task.department, "verdict": verdict} | fields)
        return give_opinion(self.file, opinion, **self.at)

    def agree(self, *steps: str) -> None:
        for step in steps:
            self.answer(step)

    def complain(self, step: str, *codes: str) -> None:
        defects = tuple(Defect(material_code=code, problem="不清晰") for code in codes)
        self.answer(step, "correction_needed", defects=defects)

    def correct(self, *codes: str) -> None:
        lifecycle.correct(self.file, [paper(code, 2) for code in codes], by=PERSON, **self.at)

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.file.events if isinstance(event, kind)]

    def rules(self) -> list[tuple[str, str]]:
        """(state after, rule) of every move."""
        return [(move.after.value, move.rule) for move in self.file.transitions]

    def snapshot(self) -> Any:
        """Everything that a refusal must leave alone."""
        file = self.file
        tasks = {
            t.task_id: (t.state, t.verdict, t.due_on, t.assignee, t.signatures, t.round) for t in file.tasks.values()
        }
        return (
            file.state, file.due_on, file.statutory_due_on, file.accept_by, file.clock, file.promises, dict(file.materials),
            len(file.events), len(file.transitions), tasks, file.correction_used, file.delivered_at,
        )  # fmt: skip


def is_open(task: Task) -> bool:
    return task.state is TaskState.OPEN
