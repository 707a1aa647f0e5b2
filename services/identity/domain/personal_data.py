"""个人信息权利: access, correction, erasure (个人信息保护法 §45–§50), and the clock of an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Literal

RequestKind = Literal["correction", "erasure"]
RequestState = Literal["open", "granted", "refused"]
CASE_RUNS = (
    "有办件正在办理，办结前不能删除（个人信息保护法第四十七条） / a case is open; nothing is erased before it has ended"
)
FORGOTTEN = "已删除"
DETAILS = "request"
"""What a request's details are sealed as."""


def due_on(asked: date, working_days: int, is_working: Callable[[date], bool]) -> date:
    """The last day for the answer; the day of asking is not counted (民法典 §201)."""
    day = asked
    while working_days > 0:
        day += timedelta(days=1)
        working_days -= is_working(day)
    return day
