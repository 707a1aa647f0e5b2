"""The date on which something happens in law: that of Asia/Shanghai, which has kept UTC+8 since 1991."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))


def law_date(moment: datetime) -> date:
    """Date of an aware ``moment`` in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).date()
