"""A department's work list (待办): its tasks by last day, filtered, and how many are how urgent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from chassis import clock
from chassis.among import among
from chassis.auth import Principal
from contracts.item import Item
from services.workflow.adapters.items import items_of
from services.workflow.adapters.rights import readable_tasks
from services.workflow.domain.deadline import law_date
from services.workflow.domain.plan import RULING
from services.workflow.models import cases, db, items, opinions, tasks
from services.workflow.queries.page import EXPORT_PAGE, PAGE, all_pages, begins_with, on_days, text

MOST_COUNTED = 20_000
"""A department with more open tasks is told of the most urgent ones, and that there are more."""
MOST_ITEMS = 200
SOON_DAYS = 2
URGENCY = ("open", "overdue", "due_today", "due_soon", "new")
MINE = "me"
COLUMNS = (
    "task_id", "case_no", "item_code", "step", "step_name", "kind", "round", "department", "state", "due_on",
    "assigned_at", "acknowledged_at", "closed_at", "assignee",
)  # fmt: skip
SEPARATOR = "~"


@dataclass(frozen=True, kw_only=True)
class TaskFilter:
    """What is looked for, all of it at once. ``kind`` is the stage; ``officer`` an account, or MINE: who has the open task, or
    gave the answer. ``due_within_days`` counts from today; ``assigned_on`` is a date of Asia/Shanghai.
    """

    state: Literal["open", "answered"] = "open"
    item_code: str | None = None
    kind: str | None = None
    step: str | None = None
    case_no: str | None = None
    officer: str | None = None
    assigned_on: date | None = None
    due_within_days: int | None = None
    due_on: date | None = None
    due_from: date | None = None
    overdue: bool = False
    unacknowledged: bool = False


def work_list(
    caller: Principal, wanted: TaskFilter, *, after: str | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """A page of the department's tasks: open ones the most urgent first, answered ones the latest first.

    ``after`` is ``place_of`` the last row of the page before.
    """
    statement = list_statement(caller, wanted, after=after, limit=limit)
    with db.read() as connection:
        rows = connection.execute(statement).fetchall()
        found = items_of(connection, {(row.item_code, row.item_version) for row in rows})
    return [dict(row._mapping) | _names(found[row.item_code, row.item_version], row.step) for row in rows]


def _names(item: Item, step: str) -> dict[str, str | None]:
    """What the row itself has not: the item's name, and the English beside Chinese names."""
    return {"item_name": item.name, "item_name_en": item.name_en, "step_name_en": _english(item, step)}


def _english(item: Item, step: str) -> str | None:
    if step.endswith(RULING):
        return f"Ruling on {_english(item, step.removesuffix(RULING))}"
    return next((one.name_en for one in item.plan if one.step == step), None)


def pages_of_tasks(caller: Principal, wanted: TaskFilter) -> Iterator[list[dict[str, Any]]]:
    """All of them, page by page."""
    return all_pages(lambda after: work_list(caller, wanted, after=after, limit=EXPORT_PAGE), place_of)


def place_of(row: dict[str, Any]) -> str:
    """Where the list goes on behind this row."""
    at = row["due_on"] if row["state"] == "open" else row["closed_at"]
    return f"{at.isoformat()}{SEPARATOR}{row['task_id']}"


def list_statement(
    caller: Principal, wanted: TaskFilter, *, after: str | None = None, limit: int = PAGE
) -> sa.Select[Any]:
    """The one statement of a page."""
    t = tasks.c
    statement = (
        sa.select(*(t[name] for name in COLUMNS), cases.c.item_version, cases.c.state.label("case_state"))
        .add_columns(opinions.c.verdict, opinions.c.officer)
        .select_from(
            tasks.join(cases, cases.c.case_no == t.case_no).outerjoin(opinions, opinions.c.task_id == t.task_id)
        )
        .where(readable_tasks(caller), t.state == text(wanted.state), *_conditions(caller, wanted))
        .limit(limit)
    )
    if wanted.state == "open":
        order = sa.tuple_(t.due_on, t.task_id)
        if after is not None:
            at, _, task_id = after.partition(SEPARATOR)
            statement = statement.where(order > sa.tuple_(sa.literal(date.fromisoformat(at)), sa.literal(task_id)))
        return statement.order_by(t.due_on, t.task_id)
    if after is not None:
        at, _, task_id = after.partition(SEPARATOR)
        since = sa.literal(datetime.fromisoformat(at), t.closed_at.type)
        statement = statement.where(sa.tuple_(t.closed_at, t.task_id) < sa.tuple_(since, sa.literal(task_id)))
    return statement.order_by(t.closed_at.desc(), t.task_id.desc())


def _conditions(caller: Principal, wanted: TaskFilter) -> list[sa.ColumnElement[bool]]:
    t = tasks.c
    named = {t.kind: wanted.kind, t.step: wanted.step, t.due_on: wanted.due_on}
    found: list[sa.ColumnElement[bool]] = [column == value for column, value in named.items() if value is not None]
    if wanted.item_code is not None:  # which the task's id begins with: this is seen in the index
        found += [t.item_code == wanted.item_code, begins_with(t.task_id, wanted.item_code)]
    found += on_days(t.assigned_at, wanted.assigned_on, wanted.assigned_on)
    today = law_date(clock.now())
    if wanted.due_from is not None:
        found.append(t.due_on >= wanted.due_from)
    if wanted.overdue:
        found.append(t.due_on < today)
    if wanted.due_within_days is not None:
        found.append(t.due_on <= today + timedelta(days=wanted.due_within_days))
    if wanted.unacknowledged:
        found.append(t.acknowledged_at.is_(None))
    if wanted.case_no is not None:
        found.append(begins_with(t.task_id, wanted.case_no))
    if wanted.officer is not None:
        account = caller.subject if wanted.officer == MINE else wanted.officer
        found.append((t.assignee if wanted.state == "open" else opinions.c.account_id) == account)
    return found


def counts_statement(caller: Principal, today: date) -> sa.Select[Any]:
    """The department's open tasks by item and step, and how many they are, as URGENCY names; one statement."""
    t = tasks.c
    first = (
        sa.select(t.item_code, t.step, t.step_name, t.due_on, t.acknowledged_at)
        .where(readable_tasks(caller), t.state == text("open"))
        .order_by(t.due_on)
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    f = first.c
    soon = sa.and_(f.due_on > today, f.due_on <= today + timedelta(days=SOON_DAYS))
    return sa.select(
        f.item_code,
        f.step,
        sa.func.max(f.step_name).label("step_name"),
        sa.func.count(),
        sa.func.count().filter(f.due_on < today),
        sa.func.count().filter(f.due_on == today),
        sa.func.count().filter(soon),
        sa.func.count().filter(f.acknowledged_at.is_(None)),
    ).group_by(f.item_code, f.step)


_VERSIONS = (
    sa.select(items.c.item_code, sa.func.max(items.c.version).label("version"))
    .where(among(items.c.item_code, "codes"))
    .group_by(items.c.item_code)
)


def work_counts(caller: Principal) -> dict[str, Any]:
    """How many open tasks the department has: in all, overdue, due today, due soon, not yet received; by item and by step.

    ``more``: only the MOST_COUNTED most urgent were counted. ``items``: those with most tasks, at most MOST_ITEMS. Two
    statements, whatever the number.
    """
    by_item: Counter[str] = Counter()
    by_step: Counter[tuple[str, str]] = Counter()
    item_of: dict[str, str] = {}
    totals = [0] * len(URGENCY)
    with db.read() as connection:
        for item_code, step, step_name, *counted in connection.execute(counts_statement(caller, law_date(clock.now()))):
            by_item[item_code] += counted[0]
            by_step[step, step_name] += counted[0]
            item_of[step] = item_code
            totals = [total + more for total, more in zip(totals, counted, strict=True)]
        most = by_item.most_common(MOST_ITEMS)
        versions = connection.execute(_VERSIONS, {"codes": [code for code, _ in most]})
        found = items_of(connection, {(row.item_code, row.version) for row in versions})
    item_by_code = {code: item for (code, _), item in found.items()}
    return dict(zip(URGENCY, totals, strict=True)) | {
        "more": totals[0] > MOST_COUNTED,
        "items": [
            {"item_code": code, "item_name": item.name, "item_name_en": item.name_en, "tasks": n}
            for code, n in sorted(most)
            for item in [item_by_code[code]]
        ],
        "steps": [
            {
                "step": step,
                "step_name": name,
                "step_name_en": _english(item_by_code[item_of[step]], step) if item_of[step] in item_by_code else None,
                "tasks": n,
            }
            for (step, name), n in sorted(by_step.items())
        ],
    }
