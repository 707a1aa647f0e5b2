"""开放数据: when a month is over and its news has settled, its edition is made once and never changed.

An edition that changed would give away what changed: the difference of two editions is a group of its own.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from chassis.db import Tx
from services.audit.domain.open_data import (
    anonymised,
    due_months,
    first_of_month,
    following,
)
from services.audit.models import open_editions
from services.audit.use_cases.read_open_data import cases_of_month, first_end, last_month


def publish_editions(tx: Tx, k: int) -> int:
    """Make the editions that are due; how many there were."""
    months = _due(tx)
    for month in months:
        rows = [row_as_json(row) for row in anonymised(cases_of_month(tx.connection, month), k)]
        edition = {"month": month, "k": k, "rows": rows, "made_at": tx.now}
        tx.insert_new(open_editions, [edition], [open_editions.c.month])
    return len(months)


def row_as_json(row: Any) -> dict[str, Any]:
    """As it is published."""
    return asdict(row) | {"departments": list(row.departments)}


def _due(tx: Tx) -> list[date]:
    last = last_month(tx.connection)
    if last is not None:
        return due_months(following(last), tx.now)
    first = first_end(tx.connection)
    return [] if first is None else due_months(first_of_month(first), tx.now)
