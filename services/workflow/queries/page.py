"""What lists have in common: pages that go on behind the last row of the page before, and days of law as moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from services.workflow.domain.deadline import SHANGHAI

PAGE = 50
EXPORT_PAGE = 1000
EARLIEST, LATEST = date(1, 1, 2), date(9999, 12, 30)  # whose beginning and end have a time in every zone
LAST_SIGN = "Z"
"""Nothing of digits and capitals that begins with something comes behind it and many of these."""


def day_begins(on: date) -> datetime:
    """The moment at which a date begins in Asia/Shanghai."""
    return datetime.combine(on, time(), SHANGHAI)


def on_days(column: sa.ColumnElement[datetime], first: date | None, last: date | None) -> list[sa.ColumnElement[bool]]:
    """``column`` is within the dates, both of which belong to it; None: open."""
    found = []
    if first is not None:
        found.append(column >= day_begins(max(first, EARLIEST)))
    if last is not None:
        found.append(column < day_begins(min(last, LATEST) + timedelta(days=1)))
    return found


def begins_with(column: sa.ColumnElement[str], start: str) -> sa.ColumnElement[bool]:
    """``column`` begins with these digits and capitals, as case numbers do: a span of an index whatever the collation."""
    return column.between(start, start + LAST_SIGN * 80)


def text(value: str) -> sa.ColumnElement[str]:
    """A word of ours within the statement itself, where a partial index is only found if the planner sees it."""
    return sa.literal(value, literal_execute=True)


def all_pages(
    page_after: Callable[[str | None], list[dict[str, Any]]], place: Callable[[dict[str, Any]], str]
) -> Iterator[list[dict[str, Any]]]:
    """One page after the other until one is not full; no connection is held while a slow reader takes them."""
    after = None
    while True:
        page = page_after(after)
        yield page
        if len(page) < EXPORT_PAGE:
            return
        after = place(page[-1])
