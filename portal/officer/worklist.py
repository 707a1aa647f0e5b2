"""A department's tasks as a list to work through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.api import path
from portal.language import either
from portal.session import api
from portal.staff import english_names
from portal.words import clock

MOST = 100  # the API is told which tasks are known already, and takes so many numbers
URGENT = ("late", "today", "soon")


def open_tasks() -> tuple[list[dict[str, Any]], bool]:
    """Open tasks, the most urgent first, and whether there may be more than these."""
    found: list[dict[str, Any]] = []
    while len(found) < MOST:
        page = api().get(path("tasks"), known=",".join(task["task_id"] for task in found))["tasks"]
        if not page:
            return _named(found), False
        found += page
    return _named(found), True


def _named(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    english_names(tasks)
    return sorted(tasks, key=lambda task: (task["due_on"], task.get("assigned_at") or "", task["task_id"]))


def answered_tasks() -> list[dict[str, Any]]:
    """What the department answered lately, newest first as the API gives it."""
    tasks: list[dict[str, Any]] = api().get(path("tasks"), state="answered")["tasks"]
    english_names(tasks)
    return tasks


def tallies(tasks: list[dict[str, Any]]) -> dict[str, int]:
    """How many are how urgent, by key of ``words.CLOCKS``."""
    clocks = [clock(task["due_on"]) for task in tasks]
    return {state: clocks.count(state) for state in URGENT}


def choices(tasks: list[dict[str, Any]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What the list can be filtered by: items and steps, code and name, each once."""
    items = {task["item_code"]: either(task, "item_name") for task in tasks}
    steps = {task["step"]: either(task, "step_name") for task in tasks}
    return sorted(items.items()), sorted(steps.items())


def chosen(tasks: list[dict[str, Any]], wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those of the wanted item, step and urgency; what is not named is not asked for."""
    item, step, urgency = (wanted.get(name, "") for name in ("item", "step", "clock"))
    return [
        task
        for task in tasks
        if item in ("", task["item_code"]) and step in ("", task["step"]) and urgency in ("", clock(task["due_on"]))
    ]
