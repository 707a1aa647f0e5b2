"""预约: which places a department offers, and what may be done with a booked one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chassis.errors import Refusal
from contracts.appointment import Attendance
from services.workflow.domain.deadline import SHANGHAI, Calendar, law_date

MOST_SLOTS = 2000
BOOKED = "booked"
CANCELLED = "cancelled"
ATTENDED: Mapping[str, frozenset[Attendance]] = {
    "booked": frozenset({"arrived", "served", "no_show"}),
    "arrived": frozenset({"served"}),
    "no_show": frozenset({"arrived", "served"}),  # who comes late after all
}
"""State -> what the counter may note next. What is not here has ended."""
OPEN = frozenset({"booked", "arrived"})
"""States in which it is the only one for its item or case."""


@dataclass(frozen=True)
class Opening:
    """Opening hours on a day, ``HH:MM``."""

    opens: str
    closes: str


@dataclass(frozen=True)
class Time:
    """A bookable time of a day, ``HH:MM`` in Asia/Shanghai."""

    day: date
    opens: str
    closes: str

    @property
    def begins_at(self) -> datetime:
        """The moment it begins."""
        return datetime.fromisoformat(f"{self.day.isoformat()}T{self.opens}").replace(tzinfo=SHANGHAI)


def times_between(
    first: date,
    last: date,
    hours: Sequence[Opening],
    *,
    minutes: int,
    calendar: Calendar,
    now: datetime,
    extra_days: Collection[date] = (),
) -> list[Time]:
    """The times of ``minutes`` within the opening hours of working days, 调休 included, and of ``extra_days`` (延时服务).

    Raises Refusal ``slots_invalid`` for hours that leave no time, times in the past, or too many.
    """
    if last < first or first < law_date(now):
        raise _invalid("日期须自今天起 / the days must begin today or later")
    if (last - first).days > 366:
        raise _invalid("一次最多发布一年 / at most a year at a time")
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    daily = [span for opening in hours for span in _spans(opening, minutes)]
    if len({opens for opens, _ in daily}) != len(daily) or not daily:
        raise _invalid("时段重叠或者为空 / the hours overlap or leave no time")
    times = [
        Time(day, opens, closes)
        for day in days
        if day in extra_days or calendar(day).working
        for opens, closes in daily
        if Time(day, opens, closes).begins_at > now
    ]
    if not times or len(times) > MOST_SLOTS:
        raise _invalid(f"须有 1 到 {MOST_SLOTS} 个时段 / between 1 and {MOST_SLOTS} times")
    return times


def require_bookable(time: Time, now: datetime) -> None:
    """Refuse a time that has begun. Raises Refusal ``slot_past``."""
    if time.begins_at <= now:
        raise Refusal("slot_past", "该时段已开始 / this time has begun", day=time.day.isoformat(), opens=time.opens)


def require_changeable(state: str, time: Time, now: datetime) -> None:
    """Refuse to move or cancel what has ended or begun. Raises Refusal ``appointment_ended`` or ``slot_past``."""
    if state != BOOKED:
        raise Refusal("appointment_ended", "预约已结束 / the appointment has ended", state=state)
    require_bookable(time, now)


def require_attendance(state: str, to: Attendance, time: Time, now: datetime) -> None:
    """Refuse what the counter cannot note: out of order, before the day, or an absence before the time is over."""
    allowed = ATTENDED.get(state, frozenset())
    early = law_date(now) < time.day or (to == "no_show" and now < time.begins_at)
    if to not in allowed or early:
        raise Refusal(
            "attendance_not_allowed",
            "不能这样登记 / this cannot be noted",
            state=state,
            to=to,
            allowed=sorted(allowed),
            day=time.day.isoformat(),
        )


def remind_on(day: date, today: date) -> date | None:
    """When to remind of an appointment on ``day``: the day before, None when that is not to come."""
    eve = day - timedelta(days=1)
    return eve if eve > today else None


def _spans(opening: Opening, minutes: int) -> Iterator[tuple[str, str]]:
    begin, end = _minute(opening.opens), _minute(opening.closes)
    while begin + minutes <= end:
        yield _clock(begin), _clock(begin + minutes)
        begin += minutes


def _minute(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _invalid(detail: str) -> Refusal:
    return Refusal("slots_invalid", detail)
