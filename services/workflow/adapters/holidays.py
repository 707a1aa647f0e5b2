"""The calendar that the statutory clock goes by."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from chassis import workdays
from services.workflow.domain.deadline import CalendarMissing, Day


def holiday_calendar(on: date) -> Day:
    """Whether ``on`` is a working day. The first year not yet published: weekends and the holidays fixed by date, marked so.

    Raises CalendarMissing for any later year: nothing is known of it.
    """
    return _day(on, workdays.edition())


@lru_cache(maxsize=4096)
def _day(on: date, _edition: int) -> Day:
    last_published = workdays.last_published_year()
    if on.year > last_published + 1:
        raise CalendarMissing(on.year)
    return Day(working=workdays.is_working_day(on), published=on.year <= last_published)
