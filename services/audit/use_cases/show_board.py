"""The supervisors' board (监察看板): what is open, who owes it, and what is most urgent."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from services.audit import queries
from services.audit.domain.figures import CARD_LEVELS, revoked, standing
from services.audit.domain.progress import OPEN_STATES, state_shown
from services.audit.domain.supervision import china_date

TASKS_SHOWN = 100


def show_board(connection: Connection, now: datetime) -> dict[str, Any]:
    """The board as it is known at ``now``."""
    states: Counter[str] = Counter()
    for row in queries.open_case_states(connection):
        states[state_shown(row.state, accepted=row.accepted)] += row.number
    return {
        "as_of": now,
        "states": [{"state": state, "count": states[state]} for state in OPEN_STATES],
        "departments": _departments(connection, now),
        "open_tasks": [row._mapping for row in queries.most_urgent_tasks(connection, TASKS_SHOWN)],
    }


def _departments(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Each department that has open tasks, answered today, or has ever had a card."""
    today = china_date(now)
    owed = {row.department: row for row in queries.open_tasks_by_department(connection, today)}
    answered = queries.counted_on(connection, "answered", today)
    cards = queries.totals_by_owner(connection, [*CARD_LEVELS, *map(revoked, CARD_LEVELS)])
    return [
        {
            "department": department,
            **{name: getattr(owed.get(department), name, 0) for name in ("open", "due_today", "overdue")},
            "answered_today": answered.get(department, 0),
            **{level: standing(cards.get(department, {}), level) for level in CARD_LEVELS},
        }
        for department in sorted({*owed, *answered, *cards})
    ]
