"""Promises with a ground (预计办结): what earlier cases of the item took, and what this one probably will."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from chassis import clock
from services.workflow.adapters.durations import histories_of
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.adapters.items import item_in_force
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.deadline import CalendarMissing, law_date
from services.workflow.domain.estimate import FEWEST, SHARES, Forecast, Part, forecast
from services.workflow.domain.history import WHOLE_CASE, History
from services.workflow.domain.plan import BEFORE_ACCEPTANCE
from services.workflow.domain.states import UNDECIDED, CaseState, TaskState
from services.workflow.domain.worktime import HOURS_A_DAY, after_working_hours, working_hours
from services.workflow.models import db

NAMES = ("p50", "p80", "p95")
STANDING_STILL = (CaseState.AWAITING_CORRECTION, CaseState.SPECIAL_PROCEDURE)


def typical_of(item_code: str) -> dict[str, Any]:
    """What cases of the item have taken lately, in working days, as a whole and by step. Raises Refusal ``item_unknown`` or
    ``item_retired``.
    """
    today = law_date(clock.now())
    with db.read() as connection:
        item = item_in_force(connection, item_code, today)
        histories = histories_of(connection, item_code, today)
    steps = [
        _typical(histories.get(step.step, History({})))
        | {"step": step.step, "name": step.name, "name_en": step.name_en}
        for step in item.plan
    ]
    committed = {"amount": item.committed_limit.amount, "unit": item.committed_limit.unit}
    whole = _typical(histories.get(WHOLE_CASE, History({})))
    return whole | {"item_code": item_code, "fewest": FEWEST, "committed_limit": committed, "steps": steps}


def _typical(history: History) -> dict[str, Any]:
    """Quantiles in working days; none of a history that is too small to tell."""
    if history.n < FEWEST:
        return {"n": history.n, **dict.fromkeys(NAMES)}
    hours = history.quantiles(SHARES)
    return {"n": history.n} | {name: round(h / HOURS_A_DAY, 1) for name, h in zip(NAMES, hours, strict=True)}


def estimate_of(connection: sa.Connection, file: CaseFile) -> dict[str, Any] | None:
    """By when the case is probably decided; None once it is. One statement."""
    now = clock.now()
    if file.state not in UNDECIDED:
        return None
    last = next((step.step for step in reversed(file.plan) if step.kind == "decision"), None)
    if last is None:
        return None
    said = forecast(_parts(file, now), last, histories_of(connection, file.item.item_code, law_date(now)))
    dates = _dates(said, now)
    return dict(zip(NAMES, dates, strict=True)) | {
        "n": said.n,
        "fewest": FEWEST,
        "longer_than_ever": said.longer_than_ever,
        "stands_still": file.state in STANDING_STILL,
    }


def _dates(said: Forecast, now: datetime) -> list[date | None]:
    """None where nothing can be said, or the holidays that far ahead are not known."""
    if said.hours is None:
        return [None] * len(SHARES)
    try:
        return [law_date(after_working_hours(now, hours, holiday_calendar)) for hours in said.hours]
    except (CalendarMissing, ValueError):
        return [None] * len(SHARES)


def _parts(file: CaseFile, now: datetime) -> list[Part]:
    latest = file.latest()
    found = []
    for step in file.plan:
        task = latest.get(step.step)
        passed = task is not None and task.state is TaskState.CANCELLED and step.kind in BEFORE_ACCEPTANCE
        done = passed or (task is not None and task.verdict not in (None, "correction_needed"))
        at_work = task is not None and task.state is TaskState.OPEN
        elapsed = working_hours(task.assigned_at, now, holiday_calendar) if task is not None and at_work else None
        found.append(Part(step.step, step.after, done=done, elapsed_h=elapsed))
    return found
