"""Due dates of law. The day an act falls on is not counted; a last day that is no working day moves to the next one.

Source: 行政许可法 §82 (working days, holidays excluded), 民法典 §201 (start), §202 (months), §203 (last day).
"""

from __future__ import annotations

import calendar as months
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.item import Limit

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Day:
    """Whether people work on a date, and whether the State Council has published that year's holidays yet."""

    working: bool
    published: bool


@dataclass(frozen=True)
class Due:
    """``on`` is the last day in time. ``provisional``: it may move when the year's holidays are published."""

    on: date
    provisional: bool


Calendar = Callable[[date], Day]


def law_date(moment: datetime) -> date:
    """The date in Asia/Shanghai of an aware moment."""
    return moment.astimezone(SHANGHAI).date()


def due(start: date, limit: Limit, calendar: Calendar) -> Due:
    """Last day of ``limit`` after ``start``; the day of ``start`` is excluded."""
    if limit.unit == "working_day":
        return _after_working_days(start, limit.amount, calendar)
    last = start + timedelta(days=limit.amount) if limit.unit == "day" else _after_months(start, limit.amount)
    return _roll_forward(last, calendar)


def _after_working_days(start: date, amount: int, calendar: Calendar) -> Due:
    on, left, provisional = start, amount, False
    while left > 0:
        on += timedelta(days=1)
        day = calendar(on)
        provisional = provisional or not day.published
        left -= day.working
    return Due(on, provisional)


def _after_months(start: date, amount: int) -> date:
    """The same day of the month, or the month's last day when it has no such day."""
    years, month = divmod(start.month - 1 + amount, 12)
    year = start.year + years
    return date(year, month + 1, min(start.day, months.monthrange(year, month + 1)[1]))


def _roll_forward(on: date, calendar: Calendar) -> Due:
    day = calendar(on)
    while not day.working:
        on += timedelta(days=1)
        day = calendar(on)
    return Due(on, not day.published)
