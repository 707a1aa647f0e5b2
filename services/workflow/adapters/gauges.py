"""What the metrics say of the database. Each question is answered from an index that holds what is open now, and no more."""

from __future__ import annotations

import sqlalchemy as sa

from chassis import clock
from chassis.metrics import show
from services.workflow.adapters.items import items_of
from services.workflow.adapters.metrics import APPOINTMENTS_OPEN, CASES, DEADLINES_WAITING, TASKS_OPEN, TASKS_OVERDUE
from services.workflow.domain.deadline import law_date
from services.workflow.models import appointments, cases, items, tasks

_OPEN = sa.literal("open", literal_execute=True)  # a partial index is found only if the planner sees it

RUNNING = (
    sa.select(cases.c.item_code, cases.c.state, sa.func.count().label("cases"))
    .where(cases.c.closed_at.is_(None))
    .group_by(cases.c.item_code, cases.c.state)
)
NEWEST = sa.select(items.c.item_code, sa.func.max(items.c.version).label("version")).group_by(items.c.item_code)
TASKS = (
    sa.select(
        tasks.c.department,
        sa.func.count().label("open"),
        sa.func.sum(sa.case((tasks.c.due_on < sa.bindparam("today"), 1), else_=0)).label("overdue"),
    )
    .where(tasks.c.state == _OPEN)
    .group_by(tasks.c.department)
)
DUE = sa.select(sa.func.count()).select_from(cases).where(cases.c.wake_on < sa.bindparam("today"))
BOOKED = sa.select(sa.func.count()).select_from(appointments).where(appointments.c.only_open.is_not(None))

_cases_shown: set[tuple[str, ...]] = set()
_open_shown: set[tuple[str, ...]] = set()
_overdue_shown: set[tuple[str, ...]] = set()


def show_gauges(connection: sa.Connection) -> None:
    """Set every gauge of workflow that comes from its tables."""
    today = law_date(clock.now())
    _show_cases(connection)
    found = connection.execute(TASKS, {"today": today}).fetchall()
    show(TASKS_OPEN, {(row.department,): row.open for row in found}, _open_shown)
    show(TASKS_OVERDUE, {(row.department,): row.overdue for row in found}, _overdue_shown)
    DEADLINES_WAITING.set(connection.execute(DUE, {"today": today}).scalar_one())
    APPOINTMENTS_OPEN.set(connection.execute(BOOKED).scalar_one())


def _show_cases(connection: sa.Connection) -> None:
    running = connection.execute(RUNNING).fetchall()
    codes = {row.item_code for row in running}
    newest = [(row.item_code, row.version) for row in connection.execute(NEWEST) if row.item_code in codes]
    lead = {code: item.lead_department for (code, _), item in items_of(connection, newest).items()}
    counts: dict[tuple[str, ...], float] = {
        (row.item_code, lead[row.item_code], row.state): row.cases for row in running
    }
    show(CASES, counts, _cases_shown)
