"""Due dates a second time, slowly and by other means: whole lists of days instead of counting. It imports nothing of ours.

``WORK_2025_2026`` is typed in from the State Council's notices for 2025 (国办发明电〔2024〕12号) and 2026
(国办发明电〔2025〕7号).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import chain

IsWorkday = Callable[[date], bool]
Span = tuple[date, date]
"""(the day on which it began, which still counts; the last day that does not count)."""
_MOST_DAYS = {"working_day": 3, "day": 1, "month": 31}
_BESIDE = 60


def days(first: date, last: date) -> list[date]:
    """All dates from ``first`` to ``last``, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


_EVERY_DAY = days(date(2024, 1, 1), date(2045, 12, 31))
_HOLIDAYS = {
    *chain.from_iterable(
        days(date(*first), date(*last))
        for first, last in (
            ((2025, 1, 1), (2025, 1, 1)),
            ((2025, 1, 28), (2025, 2, 4)),
            ((2025, 4, 4), (2025, 4, 6)),
            ((2025, 5, 1), (2025, 5, 5)),
            ((2025, 5, 31), (2025, 6, 2)),
            ((2025, 10, 1), (2025, 10, 8)),
            ((2026, 1, 1), (2026, 1, 3)),
            ((2026, 2, 15), (2026, 2, 23)),
            ((2026, 4, 4), (2026, 4, 6)),
            ((2026, 5, 1), (2026, 5, 5)),
            ((2026, 6, 19), (2026, 6, 21)),
            ((2026, 9, 25), (2026, 9, 27)),
            ((2026, 10, 1), (2026, 10, 7)),
        )
    )
}
_MADE_UP = {
    date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11),
    date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10),
}  # fmt: skip
WORK_2025_2026 = frozenset(
    day
    for day in days(date(2025, 1, 1), date(2026, 12, 31))
    if day in _MADE_UP or (day.isoweekday() <= 5 and day not in _HOLIDAYS)
)


def last_day(  # noqa: PLR0917
    start: date,
    amount: int,
    unit: str,
    is_workday: IsWorkday,
    halts: Sequence[Span] = (),
    extension: tuple[int, str] | None = None,
) -> date:
    """The last day in time. ``unit`` is ``working_day``, ``day`` or ``month``; so is that of ``extension``."""
    if extension is not None and extension[1] == unit:
        return last_day(start, amount + extension[0], unit, is_workday, halts)
    if extension is not None:
        return last_day(last_day(start, amount, unit, is_workday, halts), *extension, is_workday, halts)
    standing_still = {day for began, ended in halts for day in days(began, ended)[1:]}
    far_enough = amount * _MOST_DAYS[unit] + len(standing_still) + _BESIDE
    tomorrow = (start - _EVERY_DAY[0]).days + 1
    coming = [day for day in _EVERY_DAY[tomorrow : tomorrow + far_enough] if day not in standing_still]
    if unit == "working_day":
        return [day for day in coming if is_workday(day)][amount - 1]
    wanted = amount if unit == "day" else _days_of_months(start, amount)
    reached = coming[wanted - 1]
    return next(day for day in coming if day >= reached and is_workday(day))


def _days_of_months(start: date, amount: int) -> int:
    """How many days on the corresponding day is, found by walking; the end of its month if there is no such day."""
    month, walked, on = 0, 0, start
    while True:
        tomorrow = on + timedelta(days=1)
        if tomorrow.day == 1:
            if month == amount:
                return walked  # the month ends without such a day
            month += 1
        on, walked = tomorrow, walked + 1
        if month == amount and on.day == start.day:
            return walked
