"""Lists of cases: a citizen's own, an officer's of the department, a supervisor's of all. One statement, rights included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from chassis import clock
from chassis.auth import Principal
from services.workflow.adapters.items import items_of
from services.workflow.adapters.rights import ReadableCases, listed_cases
from services.workflow.domain.deadline import law_date
from services.workflow.domain.states import CaseState
from services.workflow.models import cases, db
from services.workflow.queries.page import EXPORT_PAGE, PAGE, all_pages, begins_with, on_days

ITEM_LENGTH, DAY_LENGTH = 31, 8
COLUMNS = (
    "case_no", "item_code", "item_version", "applicant_id", "state", "channel", "submitted_at", "accept_by",
    "accepted_on", "due_on", "provisional", "decided_at", "licence_no", "closed_at", "bundle_no",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CaseFilter:
    """What is looked for, all of it at once. Dates are of Asia/Shanghai and belong to the span; ``case_no`` is how it begins.

    ``due_within_days``: due until so many days from today; ``overdue``: past its last day. These and ``sort`` ``due`` list
    what is not yet decided, the most urgent first.
    """

    state: str | None = None
    item_code: str | None = None
    case_no: str | None = None
    department: str | None = None
    submitted_from: date | None = None
    submitted_to: date | None = None
    due_within_days: int | None = None
    overdue: bool = False
    sort: Literal["newest", "due"] = "newest"

    @property
    def item(self) -> str | None:
        """The item, which a case number says too."""
        if self.item_code is not None or self.case_no is None or len(self.case_no) < ITEM_LENGTH:
            return self.item_code
        return self.case_no[:ITEM_LENGTH]

    @property
    def narrowed(self) -> bool:
        """Whether a state that few cases are in, or an item, is asked for."""
        return self.state not in (None, CaseState.CLOSED) or self.item is not None

    @property
    def by_urgency(self) -> bool:
        """Whether the most urgent come first."""
        return self.sort == "due" or self.overdue or self.due_within_days is not None


def cases_of(
    caller: Principal, wanted: CaseFilter, *, before: str | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """A page of the cases that ``caller`` may read; ``before`` is the last case number of the page before."""
    statement = list_statement(caller, wanted, before=before, limit=limit)
    with db.read() as connection:
        rows = connection.execute(statement).fetchall()
        items = items_of(connection, {(row.item_code, row.item_version) for row in rows})
    return [summary_of(row, items[row.item_code, row.item_version].name) for row in rows]


def pages_of_cases(caller: Principal, wanted: CaseFilter) -> Iterator[list[dict[str, Any]]]:
    """All of them, page by page."""
    return all_pages(
        lambda before: cases_of(caller, wanted, before=before, limit=EXPORT_PAGE), lambda row: str(row["case_no"])
    )


def list_statement(
    caller: Principal, wanted: CaseFilter, *, before: str | None = None, limit: int = PAGE
) -> sa.Select[Any]:
    """The one statement of a page."""
    reach = listed_cases(caller, department=wanted.department)
    statement = (
        sa.select(*(cases.c[name] for name in COLUMNS))
        .select_from(reach.source)
        .where(reach.where, *_conditions(wanted, reach))
        .limit(limit)
    )
    if wanted.by_urgency:
        return _most_urgent_first(statement, before)
    order = reach.newest_first(narrowed=wanted.narrowed)
    if before is not None:
        since = sa.select(cases.c.submitted_at).where(cases.c.case_no == before).scalar_subquery()
        statement = statement.where(sa.tuple_(*order) < sa.tuple_(since, sa.literal(before)))
    return statement.order_by(*(column.desc() for column in order))


def _most_urgent_first(statement: sa.Select[Any], before: str | None) -> sa.Select[Any]:
    c = cases.c
    statement = statement.where(c.closed_at.is_(None), c.decided_at.is_(None), c.due_on.is_not(None))
    if before is not None:
        since = sa.select(c.due_on).where(c.case_no == before).scalar_subquery()
        statement = statement.where(sa.tuple_(c.due_on, c.case_no) > sa.tuple_(since, sa.literal(before)))
    return statement.order_by(c.due_on, c.case_no)


def _conditions(wanted: CaseFilter, reach: ReadableCases) -> list[sa.ColumnElement[bool]]:
    c = cases.c
    submitted_at, _ = reach.newest_first(narrowed=wanted.narrowed)
    found = on_days(submitted_at, wanted.submitted_from, wanted.submitted_to)
    if wanted.state is not None:
        found.append(c.state == wanted.state)
    if wanted.item is not None:
        found.append(c.item_code == wanted.item)
    if wanted.case_no is not None:
        found.append(_numbered(wanted.case_no))
    if wanted.overdue or wanted.due_within_days is not None:
        today = law_date(clock.now())
        last = today - timedelta(days=1) if wanted.overdue else today + timedelta(days=wanted.due_within_days or 0)
        found.append(c.due_on <= last)
    return found


def _numbered(start: str) -> sa.ColumnElement[bool]:
    """The case number begins so. Whatever names an item and at most a day is looked for by the item: how many cases lie within a
    span of such long numbers no planner can tell.
    """
    number = cases.c.case_no
    if ITEM_LENGTH <= len(start) <= ITEM_LENGTH + DAY_LENGTH:
        return sa.func.substr(number, 1, len(start)) == start
    return begins_with(number, start)


def summary_of(row: Any, item_name: str) -> dict[str, Any]:
    """A case in a list, from its row."""
    return {
        "case_no": row.case_no,
        "item_code": row.item_code,
        "item_version": row.item_version,
        "item_name": item_name,
        "state": row.state,
        "channel": row.channel,
        "submitted_at": row.submitted_at,
        "accept_by": row.accept_by,
        "accepted_on": row.accepted_on,
        "due_on": row.due_on,
        "due_provisional": row.provisional,
        "decided_at": row.decided_at,
        "licence_no": row.licence_no,
        "closed_at": row.closed_at,
        "bundle_no": row.bundle_no,
    }
