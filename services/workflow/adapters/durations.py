"""What earlier cases have taken, by item and step (table ``durations``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis.db import Tx
from services.workflow.domain.history import QUARTERS, History, quarter_of
from services.workflow.models import db, durations

DurationKey = tuple[str, str, int, int]
"""Item code, step (``history.WHOLE_CASE`` for the case), quarter, class."""

_KEY = [durations.c.item_code, durations.c.step, durations.c.quarter, durations.c["class"]]
_OF_ITEM = (
    sa.select(durations.c.step, durations.c["class"], sa.func.sum(durations.c.cases).label("cases"))
    .where(durations.c.item_code == sa.bindparam("item_code"), durations.c.quarter > sa.bindparam("before"))
    .group_by(durations.c.step, durations.c["class"])
)


def histories_of(connection: sa.Connection, item_code: str, today: date) -> dict[str, History]:
    """The last QUARTERS' history of every step of the item, and of the whole case; one statement."""
    classes: dict[str, dict[int, int]] = defaultdict(dict)
    before = quarter_of(today) - QUARTERS
    for step, number, cases in connection.execute(_OF_ITEM, {"item_code": item_code, "before": before}):
        classes[step][number] = int(cases)
    return {step: History(counted) for step, counted in classes.items()}


def add_durations(tx: Tx, counted: Mapping[DurationKey, int]) -> None:
    """Count some more cases; in one order, so that those who count at the same time do not wait for each other in a ring."""
    if not counted:
        return
    insert = postgresql.insert(durations) if db.is_postgresql else sqlite.insert(durations)
    more = insert.on_conflict_do_update(index_elements=_KEY, set_={"cases": durations.c.cases + insert.excluded.cases})
    names = [column.name for column in _KEY]
    rows = [dict(zip(names, key, strict=True)) | {"cases": number} for key, number in sorted(counted.items())]
    tx.execute(more, rows)
