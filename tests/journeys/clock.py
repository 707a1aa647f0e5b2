"""Dates by the oracle of the clock, which shares no code with the platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from faults.clock_oracle import WORK_2025_2026, Span, last_day


def is_workday(on: date) -> bool:
    """By the State Council's notices; of 2027 none is published, and the platform calls such dates provisional."""
    return on in WORK_2025_2026 if on.year < 2027 else on.isoweekday() <= 5


def workdays_after(
    start: date, amount: int, halts: Sequence[Span] = (), extension: tuple[int, str] | None = None
) -> date:
    """Last day of so many working days after ``start``."""
    return last_day(start, amount, "working_day", is_workday, halts, extension)
