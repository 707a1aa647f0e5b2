"""Working days of China, 调休 included: the yearly notices that the package chinesecalendar ships, and those that an operator
adds in a file the day they are published. The file may be replaced while the platform runs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import structlog
import yaml
from chinese_calendar.constants import holidays

FIXED = frozenset(
    {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
)  # 全国年节及纪念日放假办法: by the solar calendar
FIRST_YEAR, LAST_SHIPPED_YEAR = int(min(holidays).year), int(max(holidays).year)
LOOKED_AT_EVERY_S = 10.0
_DAY = timedelta(days=1)
_KEYS = {"source", "holidays", "workdays"}


class CalendarInvalid(Exception):
    """The file says nothing that could be gone by; the message names what is wrong, all of it."""


@dataclass(frozen=True)
class Year:
    """One notice: days off that would be worked, days worked that would be off, and where it is published."""

    source: str
    holidays: frozenset[date]
    workdays: frozenset[date]


class _Kept:
    """What the file said when it last made sense. ``edition`` counts the times that it was read."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self.years: Mapping[int, Year] = {}
        self.edition = 0
        self.changed_ns = self.looked_at = -1.0


_kept = _Kept()


def follow(file: Path | None) -> None:
    """Go by ``file`` from now on (None: by what is shipped). Raises CalendarInvalid."""
    years = {} if file is None else read_years(file)
    _kept.file, _kept.years, _kept.edition = file, years, _kept.edition + 1
    _kept.looked_at, _kept.changed_ns = time.monotonic(), -1.0 if file is None else os.stat(file).st_mtime_ns


def edition() -> int:
    """Changes whenever the answers below may have changed."""
    if _kept.file is not None and time.monotonic() - _kept.looked_at > LOOKED_AT_EVERY_S:
        _look_again(_kept.file)
    return _kept.edition


def last_published_year() -> int:
    """The last year whose holidays are known."""
    edition()
    return max([LAST_SHIPPED_YEAR, *_kept.years])


def is_working_day(on: date) -> bool:
    """Whether people work on ``on``. A year that is not published goes by weekends and the holidays fixed by date."""
    edition()
    for year in (on.year + 1, on.year):  # the notice of a new year may speak of the days before it
        if (told := _kept.years.get(year)) and (on.year == year or on in told.holidays | told.workdays):
            return on in told.workdays or (on.weekday() < 5 and on not in told.holidays)
    if on.year <= LAST_SHIPPED_YEAR:
        return bool(chinese_calendar.is_workday(on))
    return on.weekday() < 5 and (on.month, on.day) not in FIXED


def read_years(file: Path) -> dict[int, Year]:
    """Year -> its notice. Raises CalendarInvalid.

    ``2027: {source: …, holidays: [2027-01-01, 2027-02-05/2027-02-11], workdays: [2027-02-14]}``; a span counts both its ends.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CalendarInvalid(f"{file}: {error}") from error
    if not isinstance(content, Mapping) or not content:
        raise CalendarInvalid(f"{file}: 应为年份及其安排 / must be years and what is arranged for each")
    problems: list[str] = []
    years = {year: _year(year, told, problems) for year, told in content.items()}
    if not problems:
        known = {*range(FIRST_YEAR, LAST_SHIPPED_YEAR + 1), *years}
        gaps = sorted(set(range(FIRST_YEAR, max(known) + 1)) - known)
        problems = [f"{year}: 缺少，其后的年份不能先有 / is missing, and years after it are there" for year in gaps]
    if problems:
        raise CalendarInvalid(f"{file}: " + "; ".join(problems))
    return years


def _look_again(file: Path) -> None:
    _kept.looked_at = time.monotonic()
    try:
        changed_ns = os.stat(file).st_mtime_ns
        if changed_ns == _kept.changed_ns:
            return
        _kept.changed_ns = changed_ns
        _kept.years, _kept.edition = read_years(file), _kept.edition + 1
    except (OSError, CalendarInvalid) as error:
        structlog.get_logger().error("calendar_makes_no_sense", error=str(error))


def _year(year: object, told: object, problems: list[str]) -> Year:
    nothing = Year("", frozenset(), frozenset())
    if not isinstance(year, int) or not FIRST_YEAR <= year <= 2100:
        problems.append(f"{year}: 不是年份 / no year")
        return nothing
    if not isinstance(told, Mapping) or set(told) - _KEYS:
        problems.append(f"{year}: 只能有 / may only have: source, holidays, workdays")
        return nothing
    source = told.get("source")
    if not isinstance(source, str) or not source.strip():
        problems.append(f"{year}: source: 写明依据 / name the notice")
    off, on = (_dates(year, name, told.get(name), problems) for name in ("holidays", "workdays"))
    problems += [f"{day}: 既放假又上班 / both a holiday and a workday" for day in sorted(off & on)]
    problems += [f"{day}: workdays: 不是周末 / is no weekend" for day in sorted(on - off) if day.weekday() < 5]
    lacking = sorted((month, day) for month, day in FIXED if date(year, month, day) not in off)
    problems += [f"{year}: holidays: 缺少 / lacks {month:02d}-{day:02d}" for month, day in lacking]
    return Year(str(source), off, on)


def _dates(year: int, name: str, told: object, problems: list[str]) -> frozenset[date]:
    found: set[date] = set()
    for one in told if isinstance(told, list) else [told]:
        try:
            first, _, last = str(one).partition("/")
            day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            problems.append(f"{year}: {name}: {one}: 应为日期或起止 / must be a date, or two with / between")
            continue
        if not date(year - 1, 12, 25) <= day <= end <= date(year, 12, 31):
            problems.append(f"{year}: {name}: {one}: 不在该年 / is not in that year")
            continue
        while day <= end:
            found.add(day)
            day += _DAY
    return frozenset(found)
