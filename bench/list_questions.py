"""What officers of a large, a middle and a small department, citizens and supervisors ask of a workflow with many cases."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from bench.fill_lists import BIG, BUSY_APPLICANT, ITEMS_EACH, MIDDLE, SMALL, item_code
from chassis import clock
from chassis.auth import Principal
from contracts.rights import scopes_of
from services.workflow import queries
from services.workflow.api.list_schemas import CaseSearchSchema, TaskSearchSchema
from services.workflow.domain.deadline import law_date
from services.workflow.models import cases, db, tasks
from services.workflow.queries.case_list import CaseFilter
from services.workflow.queries.worklist import TaskFilter

Ask = dict[str, Any]
WORK, COUNTS, CASES, WHOLE = "/api/v1/worklist", "/api/v1/worklist/counts", "/api/v1/cases", "/api/v1/cases/{case_no}"


@dataclass(frozen=True)
class Question:
    """``values`` are its query string's, each time others."""

    name: str
    who: Principal
    path: str
    values: Callable[[], Ask]

    def ask(self, values: Ask) -> object:
        """Ask the query function, as the route would."""
        if self.path == WORK:
            wanted = TaskSearchSchema().load(values)
            place = {"after": wanted.pop("after"), "limit": wanted.pop("limit")}
            return queries.work_list(self.who, TaskFilter(**wanted), **place)
        if self.path == COUNTS:
            return queries.work_counts(self.who)
        if self.path == WHOLE:
            return queries.case_for(self.who, values["case_no"])
        wanted = CaseSearchSchema().load(values)
        place = {"before": wanted.pop("before"), "limit": wanted.pop("limit")}
        return queries.cases_of(self.who, CaseFilter(**wanted), **place)


def caller(kind: str, subject: str, department: str | None = None) -> Principal:
    """Somebody with all rights of the role."""
    scopes = frozenset(scopes_of(kind).split())
    return Principal(subject=subject, name="测量", kind=kind, scopes=scopes, party=subject, department=department)


class Questions:
    """Makes them, with values that stand in the database."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        self._today: date = law_date(clock.now())
        first = sa.select(tasks.c.case_no).where(tasks.c.first_of_department).order_by(tasks.c.submitted_at.desc())
        with db.read() as connection:
            self._of = {
                department: list(
                    connection.execute(first.where(tasks.c.department == department).limit(5000)).scalars()
                )
                for department in (BIG, MIDDLE, SMALL)
            }
            one = sa.select(cases.c.applicant_id).where(cases.c.case_no == self._of[MIDDLE][-1])
            self._usual = str(connection.execute(one).scalar_one())

    def all(self) -> list[Question]:
        """Every question."""
        found: list[Question] = []
        for size, department in (("big", BIG), ("middle", MIDDLE), ("small", SMALL)):
            officer = caller("officer", f"officer-{department}", department)
            asked = {WORK: self._work(department), COUNTS: {"counts": dict}, WHOLE: {"whole": self._one(department)},
                     CASES: self._filters(department)}  # fmt: skip
            for path, kinds in asked.items():
                part = "work" if path in (WORK, COUNTS) else "cases"
                found += [Question(f"{part}_{size}_{name}", officer, path, v) for name, v in kinds.items()]
        return [*found, *self._citizen(), *self._supervisor()]

    def _one(self, department: str) -> Callable[[], Ask]:
        return lambda: {"case_no": self._random.choice(self._of[department])}

    def _work(self, department: str) -> Mapping[str, Callable[[], Ask]]:
        return {
            "open": dict,
            "item": lambda: {"item_code": self._item(department)},
            "overdue": lambda: {"overdue": "true"},
            "due_soon": lambda: {"due_within_days": 3},
            "stage": lambda: {"kind": "decision"},
            "mine": lambda: {"officer": f"officer-{self._random.randrange(40)}"},
            "day": lambda: {"assigned_on": (self._today - timedelta(days=self._random.randrange(20))).isoformat()},
            "deep": lambda: {"after": f"{self._today.isoformat()}~x"},
            "answered": lambda: {"state": "answered"},
            "all_at_once": lambda: {"item_code": self._item(department), "kind": "opinion", "due_within_days": 9},
        }

    def _filters(self, department: str) -> dict[str, Callable[[], Ask]]:
        return {
            "newest": dict,
            "deep": lambda: {"before": self._random.choice(self._of[department])},
            "closed": lambda: {"state": "closed"},
            "running": lambda: {"state": "awaiting_correction"},
            "rare": lambda: {"state": "deemed_withdrawn"},
            "rarest": lambda: {"state": "terminated"},
            "never": lambda: {"state": "revoked"},
            "item": lambda: {"item_code": self._item(department)},
            "item_denied": lambda: {"item_code": self._item(department), "state": "denied"},
            "month": self._month,
            "number": lambda: {"case_no": self._random.choice(self._of[department])},
            "begins": lambda: {"case_no": self._item(department) + "2026"},
            "overdue": lambda: {"overdue": "true"},
            "urgent": lambda: {"sort": "due"},
            "all_at_once": lambda: self._month() | {"item_code": self._item(department), "state": "closed"},
        }

    def _citizen(self) -> list[Question]:
        busy, usual = caller("person", BUSY_APPLICANT), caller("person", self._usual)
        return [
            Question("citizen_list", usual, CASES, dict),
            Question("citizen_busy_list", busy, CASES, dict),
            Question("citizen_busy_state", busy, CASES, lambda: {"state": "denied"}),
            Question("citizen_busy_item", busy, CASES, lambda: {"item_code": self._item(BIG)}),
        ]

    def _supervisor(self) -> list[Question]:
        who = caller("supervisor", "supervisor")
        asked = self._filters(MIDDLE) | {
            "department": lambda: {"department": MIDDLE},
            "department_overdue": lambda: {"department": MIDDLE, "overdue": "true"},
            "department_urgent": lambda: {"department": SMALL, "sort": "due"},
            "department_item": lambda: {"department": BIG, "item_code": self._item(BIG)},
        }
        return [Question(f"supervisor_{name}", who, CASES, values) for name, values in asked.items()]

    def _item(self, department: str) -> str:
        number = int(department[1:]) - 1 if department[1:].isdigit() else 0
        return item_code(number * ITEMS_EACH + self._random.randrange(ITEMS_EACH))

    def _month(self) -> Ask:
        first = self._today - timedelta(days=self._random.randrange(30, 700))
        return {"submitted_from": first.isoformat(), "submitted_to": (first + timedelta(days=30)).isoformat()}
