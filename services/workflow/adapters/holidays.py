"""Working days of China, 调休 included, from the published yearly notices (package chinesecalendar)."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import chinese_calendar
from chinese_calendar.constants import holidays

from services.workflow.domain.deadline import CalendarMissing, Day

_LAST_PUBLISHED_YEAR = max(holidays).year
_FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}  # 全国年节及纪念日放假办法, dates of the solar calendar


@lru_cache(maxsize=4096)
def holiday_calendar(on: date) -> Day:
    """Whether ``on`` is a working day. The first year not yet published: weekends and the holidays fixed by date, marked so.

    Raises CalendarMissing for any later year: nothing is known of it.
    """
    if on.year <= _LAST_PUBLISHED_YEAR:
        return Day(working=chinese_calendar.is_workday(on), published=True)
    if on.year > _LAST_PUBLISHED_YEAR + 1:
        raise CalendarMissing(on.year)
    return Day(working=on.weekday() < 5 and (on.month, on.day) not in _FIXED, published=False)
