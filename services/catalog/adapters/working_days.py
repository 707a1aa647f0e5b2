"""Working days of China, 调休 included, from the published yearly notices (package chinesecalendar)."""

from __future__ import annotations

from datetime import date

import chinese_calendar
from chinese_calendar.constants import holidays

_LAST_PUBLISHED_YEAR = max(holidays).year


def is_working(on: date) -> bool:
    """Whether ``on`` is one. Years not yet published: Monday to Friday, which flags silence rather too early."""
    return bool(chinese_calendar.is_workday(on)) if on.year <= _LAST_PUBLISHED_YEAR else on.weekday() < 5
