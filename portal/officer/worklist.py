"""A department's tasks as a list to work through: what is asked of the API, and its counts as choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from portal.api import Problem, path
from portal.language import either
from portal.session import api
from portal.words import china_now

FILTERS = ("item", "step", "clock", "case_no", "who", "day")
SOON_DAYS = 2
URGENT = {"late": "overdue", "today": "due_today", "soon": "due_soon"}
"""A key of ``words.CLOCKS`` -> the name of its count."""


@dataclass(frozen=True)
class WorkPage:
    """A page of tasks and where the next one begins."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None


def open_tasks(wanted: Mapping[str, str], after: str | None = None) -> WorkPage:
    """Open tasks, the most urgent first. Nothing is found by what cannot be looked for."""
    return _page(after, **_conditions(wanted))


def answered_tasks(after: str | None = None) -> WorkPage:
    """What the department answered, the latest first."""
    return _page(after, state="answered")


def _page(after: str | None, **conditions: str) -> WorkPage:
    try:
        found = api().get(path("worklist"), **conditions, after=after)
    except Problem as problem:
        if problem.status != 422:
            raise
        return WorkPage()
    return WorkPage(found["tasks"], found["next"])


def _conditions(wanted: Mapping[str, str]) -> dict[str, str]:
    named = {"item": "item_code", "step": "step", "case_no": "case_no", "who": "officer", "day": "assigned_on"}
    asked = {api_name: "".join(wanted[name].split()) for name, api_name in named.items() if wanted.get(name)}
    return asked | _urgency(wanted.get("clock", ""))


def _urgency(clock: str) -> dict[str, str]:
    today = china_now().date()
    if clock == "late":
        return {"overdue": "true"}
    if clock == "today":
        return {"due_on": today.isoformat()}
    if clock == "soon":
        return {"due_from": (today + timedelta(days=1)).isoformat(), "due_within_days": str(SOON_DAYS)}
    return {}


def counts() -> dict[str, Any]:
    """How many tasks are open in the whole department, by urgency, item and step."""
    found: dict[str, Any] = api().get(path("worklist", "counts"))
    return found


def choices(counted: Mapping[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What the list can be filtered by: items and steps, code and name with the number of tasks, each once."""
    items = {one["item_code"]: f"{either(one, 'item_name')} ({one['tasks']})" for one in counted["items"]}
    steps = {one["step"]: f"{either(one, 'step_name')} ({one['tasks']})" for one in counted["steps"]}
    return sorted(items.items()), sorted(steps.items())
