"""The statutory clock. The day an act falls on is not counted; a last day that is no working day moves to the next one.

Time that the law does not count (a halt: 特别程序) is left out of every unit: a day d is halted when ``began < d <= ended``.
Source: 行政许可法 §42 (extension), §45 (what does not count), §82 (working days, holidays excluded); 民法典 §201 (start),
§202 (months to the corresponding day), §203 (last day).
"""

from __future__ import annotations

import calendar as months
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chassis.errors import Refusal
from contracts.item import Limit, LimitUnit

SHANGHAI = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)
UNITS: dict[LimitUnit, tuple[str, str]] = {
    "working_day": ("个工作日", "working days"),
    "day": ("日", "days"),
    "month": ("个月", "months"),
}


class CalendarMissing(Refusal):
    """The holidays of this year are too far from being published for a date to be said."""

    def __init__(self, year: int) -> None:
        super().__init__(
            "calendar_missing", f"{year} 年节假日安排未公布 / the holidays of {year} are not published", year=year
        )


@dataclass(frozen=True)
class Day:
    """Whether people work on a date, and whether the State Council has published that year's holidays yet."""

    working: bool
    published: bool


@dataclass(frozen=True)
class Rule:
    """One rule that made or moved a date: ``says`` is "中文 / English"."""

    code: str
    says: str
    source: str
    before: date
    after: date


@dataclass(frozen=True)
class Due:
    """``on`` is the last day in time. ``provisional``: it may move when the year's holidays are published.

    ``rules`` lists what made the date, in order: each begins where the one before it ended.
    """

    on: date
    provisional: bool
    rules: tuple[Rule, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Halt:
    """Time that does not count, from the day after ``began`` to ``ended``, the latter included."""

    began: date
    ended: date
    name: str = "特别程序 / special procedure"

    def covers(self, on: date) -> bool:
        """Whether ``on`` does not count."""
        return self.began < on <= self.ended


Calendar = Callable[[date], Day]


def law_date(moment: datetime) -> date:
    """The date in Asia/Shanghai of an aware moment."""
    return moment.astimezone(SHANGHAI).date()


def due(
    start: date, limit: Limit, calendar: Calendar, *, halts: Sequence[Halt] = (), extension: Limit | None = None
) -> Due:
    """Last day of ``limit`` after ``start``, the day of ``start`` excluded, without the time that does not count.

    An extension in the limit's own unit lengthens the limit; in another unit it is counted on from the limit's last day.
    Raises CalendarMissing for a year whose holidays are neither published nor the next to be.
    """
    count = _Count(start, calendar, halts)
    count.run(limit, _limit_rule(limit))
    if extension is not None and extension.unit == limit.unit:
        longer = Limit(amount=limit.amount + extension.amount, unit=limit.unit)
        count.extend_from(start, longer, extension)
    count.roll()
    if extension is not None and extension.unit != limit.unit:
        count.run(extension, _extension_rule(extension))
        count.roll()
    return Due(count.on, count.provisional, tuple(count.rules))


_Naming = tuple[str, str, str]


def _limit_rule(limit: Limit) -> _Naming:
    chinese, english = UNITS[limit.unit]
    source = (
        "行政许可法 §82" if limit.unit == "working_day" else "民法典 §202" if limit.unit == "month" else "民法典 §201"
    )
    return (
        "limit",
        f"期限 {limit.amount} {chinese}，起算日不计 / {limit.amount} {english}, first day excluded",
        source,
    )


def _extension_rule(extension: Limit) -> _Naming:
    chinese, english = UNITS[extension.unit]
    return (
        "extension",
        f"延长 {extension.amount} {chinese} / extended by {extension.amount} {english}",
        "行政许可法 §42",
    )


class _Count:
    """Counts on from a day and notes each rule that moved it."""

    def __init__(self, start: date, calendar: Calendar, halts: Sequence[Halt]) -> None:
        self.on, self.provisional = start, False
        self.rules: list[Rule] = []
        self._calendar, self._halts = calendar, [halt for halt in halts if halt.ended > start]

    def run(self, limit: Limit, naming: _Naming) -> None:
        """Count ``limit`` from where the count stands; halts that moved it are noted after it."""
        start = self.on
        plain = self._last(start, limit, ())
        self._note(naming, plain)
        self._halted(start, limit)

    def extend_from(self, start: date, longer: Limit, extension: Limit) -> None:
        """Count the whole limit anew, now that it is longer."""
        self._note(_extension_rule(extension), self._last(start, longer, self._halts))

    def roll(self) -> None:
        """A last day on which nobody works, or that does not count, moves on."""
        on = self.on
        day = self._look(on)
        while not day.working or self._does_not_count(on):
            on += _DAY
            day = self._look(on)
        if on != self.on:
            self._note(("rest_day", "末日顺延至工作日 / the last day moves to a working day", "民法典 §203"), on)

    def _halted(self, start: date, limit: Limit) -> None:
        known: list[Halt] = []
        for halt in sorted(self._halts, key=lambda halt: (halt.began, halt.ended)):
            known.append(halt)
            on = self._last(start, limit, known)
            if on != self.on:
                self._note(("halt", f"不计时：{halt.name} / does not count", "行政许可法 §45"), on)

    def _last(self, start: date, limit: Limit, halts: Sequence[Halt]) -> date:
        if limit.unit == "working_day":
            return self._after(start, limit.amount, halts, working_only=True)
        if not halts:
            return start + limit.amount * _DAY if limit.unit == "day" else after_months(start, limit.amount)
        days = limit.amount if limit.unit == "day" else (after_months(start, limit.amount) - start).days
        return self._after(start, days, halts, working_only=False)

    def _after(self, start: date, amount: int, halts: Sequence[Halt], *, working_only: bool) -> date:
        on, left = start, amount
        while left > 0:
            on += _DAY
            counted = not working_only or self._look(on).working
            left -= counted and not (halts and any(halt.covers(on) for halt in halts))
        return on

    def _does_not_count(self, on: date) -> bool:
        return any(halt.covers(on) for halt in self._halts)

    def _look(self, on: date) -> Day:
        day = self._calendar(on)
        self.provisional = self.provisional or not day.published
        return day

    def _note(self, naming: _Naming, on: date) -> None:
        code, says, source = naming
        self.rules.append(Rule(code, says, source, self.on, on))
        self.on = on


def after_months(start: date, amount: int) -> date:
    """The same day of the month, or the month's last day when it has no such day. Source: 民法典 §202."""
    years, month = divmod(start.month - 1 + amount, 12)
    year = start.year + years
    return date(year, month + 1, min(start.day, months.monthrange(year, month + 1)[1]))
