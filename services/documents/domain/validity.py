"""How long a licence is valid, counted in Asia/Shanghai dates."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta, timezone
from typing import Literal

Status = Literal["valid", "expired", "revoked"]

SHANGHAI = timezone(timedelta(hours=8))  # no daylight saving time since 1991


def shanghai_date(moment: datetime) -> date:
    """The date of law at ``moment`` (aware)."""
    return moment.astimezone(SHANGHAI).date()


def valid_until(issued_on: date, years: int | None) -> date | None:
    """Last valid day: the same day ``years`` later, or the month's last day where there is none; None means for ever.

    Source: 民法典 §200-202.
    """
    if years is None:
        return None
    year = issued_on.year + years
    return date(year, issued_on.month, min(issued_on.day, calendar.monthrange(year, issued_on.month)[1]))


def status_on(today: date, *, until: date | None, revoked_on: date | None) -> Status:
    """What a verifier must be told on ``today``. Revocation is stronger than expiry."""
    if revoked_on is not None and revoked_on <= today:
        return "revoked"
    return "expired" if until is not None and today > until else "valid"
