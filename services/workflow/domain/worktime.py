"""Working time: how many office hours lie between two moments, and which moment lies so many office hours ahead.

Offices are taken to be open from 9 to 17 on working days, Asia/Shanghai; what is done at other hours counts as done at the
nearest edge of them. It measures and forecasts how long work takes; due dates of law are ``deadline``'s.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from services.workflow.domain.deadline import SHANGHAI, Calendar

OPENS, CLOSES = time(9), time(17)
HOURS_A_DAY = 8.0
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_LONGEST_DAYS = 3660  # no forecast reaches further


def working_hours(begin: datetime, end: datetime, calendar: Calendar) -> float:
    """Office hours from ``begin`` to ``end``; 0 when ``end`` is not later."""
    first, last = begin.astimezone(SHANGHAI), end.astimezone(SHANGHAI)
    if last <= first:
        return 0.0
    if first.date() == last.date():
        return _of_day(first.date(), calendar) and _until(last) - _until(first)
    hours = _of_day(first.date(), calendar) and HOURS_A_DAY - _until(first)
    on = first.date() + _DAY
    while on < last.date():
        hours += _of_day(on, calendar)
        on += _DAY
    return hours + (_of_day(on, calendar) and _until(last))


def after_working_hours(begin: datetime, hours: float, calendar: Calendar) -> datetime:
    """The moment ``hours`` office hours after ``begin``. Raises ValueError when it is ten years away."""
    on, worked = begin.astimezone(SHANGHAI).date(), _until(begin.astimezone(SHANGHAI))
    for _ in range(_LONGEST_DAYS):
        if _of_day(on, calendar):
            if hours <= HOURS_A_DAY - worked:
                opens = datetime.combine(on, OPENS, SHANGHAI)
                return opens + (worked + hours) * _HOUR
            hours -= HOURS_A_DAY - worked
        on, worked = on + _DAY, 0.0
    raise ValueError(f"no working day for {hours} hours")


def _of_day(on: date, calendar: Calendar) -> float:
    return HOURS_A_DAY if calendar(on).working else 0.0


def _until(moment: datetime) -> float:
    """Office hours of its day that have passed at ``moment``."""
    opens = datetime.combine(moment.date(), OPENS, SHANGHAI)
    return min(max((moment - opens) / _HOUR, 0.0), HOURS_A_DAY)
