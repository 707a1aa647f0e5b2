"""公开数据: what the platform did, in figures, for anyone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from services.audit import queries
from services.audit.domain.figures import CARD_LEVELS, OF_CASES, average_rating, days_until, rated, standing
from services.audit.domain.ratings import LEVELS
from services.audit.domain.supervision import china_date

COMPARED = ("submitted", "closed")


def show_figures(connection: Connection, now: datetime) -> dict[str, Any]:
    """The figures as they are known at ``now``."""
    totals = queries.totals(connection)
    by_level = [{"level": level, "count": totals.get(rated(level), 0)} for level in reversed(LEVELS)]
    days = days_until(china_date(now))
    on_day = queries.sums_by_day(connection, COMPARED, days[0])
    by_item = queries.totals_by_owner(connection, COMPARED)
    return {
        "as_of": now,
        "totals": {figure: totals.get(figure, 0) for figure in OF_CASES.values()},
        "on_time": {figure: totals.get(figure, 0) for figure in ("answered", "late")},
        "cards": {level: standing(totals, level) for level in CARD_LEVELS},
        "ratings": {
            "count": sum(row["count"] for row in by_level),
            "average": average_rating(totals),
            "by_level": by_level,
        },
        "days": [{"day": day} | {figure: on_day.get((day, figure), 0) for figure in COMPARED} for day in days],
        "by_item": [
            {"item_code": item_code} | {figure: counts.get(figure, 0) for figure in COMPARED}
            for item_code, counts in sorted(by_item.items())
        ],
    }
