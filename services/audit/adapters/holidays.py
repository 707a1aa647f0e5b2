"""Working days of China, 调休 included, from the published yearly notices (package chinesecalendar)."""

from __future__ import annotations

from datetime import date

import chinese_calendar
from chinese_calendar.constants import holidays

_LAST_PUBLISHED_YEAR = max(holidays).year
_FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}  # 全国年节及纪念日放假办法, dates of the solar calendar


def is_working_day(on: date) -> bool:
    """Whether people work on ``on``. Years not yet published: by weekends and the holidays fixed by date."""
    if on.year <= _LAST_PUBLISHED_YEAR:
        return bool(chinese_calendar.is_workday(on))
    return on.weekday() < 5 and (on.month, on.day) not in _FIXED
