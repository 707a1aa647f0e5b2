"""Reads of open data: the cases that an edition is made of, and the editions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from services.audit.domain.figures import item_of
from services.audit.domain.open_data import EndedCase, begins_at, days_between, following
from services.audit.models import CASE_ENDED, case_parties, clocks, entries, open_editions

SUBMITTED = "case.submitted.v1"


def cases_of_month(connection: Connection, month: date) -> list[EndedCase]:
    """Every case that ended in the month, once: a case ends with the first of its events that say so."""
    ended = (
        sa.select(entries.c.case_ref, sa.func.min(entries.c.time).label("ended_at"))
        .where(CASE_ENDED, entries.c.time >= begins_at(month), entries.c.time < begins_at(following(month)))
        .group_by(entries.c.case_ref)
        .subquery("ended")
    )
    departments: dict[str, set[str]] = defaultdict(set)
    tasks = sa.select(clocks.c.case_no, clocks.c.department).join(ended, clocks.c.case_no == ended.c.case_ref)
    for case_no, department in connection.execute(tasks.distinct()):
        departments[case_no].add(department)
    return [
        EndedCase(
            item_code=item_of(row.case_ref),
            departments=tuple(sorted(departments[row.case_ref])),
            party=row.party or "",
            days=days_between(row.submitted_at or row.ended_at, row.ended_at),
        )
        for row in connection.execute(_with_beginning(ended, month))
    ]


def _with_beginning(ended: sa.Subquery, month: date) -> sa.Select[Any]:
    """Without those that had ended in an earlier month already."""
    submitted = entries.alias("submitted")
    before = sa.and_(entries.c.case_ref == ended.c.case_ref, CASE_ENDED, entries.c.time < begins_at(month))
    begun = sa.and_(submitted.c.case_ref == ended.c.case_ref, submitted.c.type == SUBMITTED)
    return (
        sa.select(ended.c.case_ref, ended.c.ended_at, submitted.c.time.label("submitted_at"), case_parties.c.party)
        .select_from(ended)
        .outerjoin(submitted, begun)
        .outerjoin(case_parties, case_parties.c.case_no == ended.c.case_ref)
        .where(~sa.exists(sa.select(entries.c.seq).where(before)))
    )


def first_end(connection: Connection) -> datetime | None:
    """When the first case ended that the ledger knows of."""
    query = sa.select(entries.c.time).where(CASE_ENDED).order_by(entries.c.time).limit(1)
    return connection.execute(query).scalar_one_or_none()


def last_month(connection: Connection) -> date | None:
    """The newest edition's month."""
    return connection.execute(sa.select(sa.func.max(open_editions.c.month))).scalar_one_or_none()


def editions(connection: Connection) -> Sequence[Any]:
    """All editions, the newest first."""
    return connection.execute(sa.select(open_editions).order_by(open_editions.c.month.desc())).fetchall()


def edition(connection: Connection, month: date) -> Any | None:
    """One of them, or None."""
    return connection.execute(sa.select(open_editions).where(open_editions.c.month == month)).one_or_none()
