"""The table of rights (contracts/rights.py) over workflow's rows: one clause for lists and for single objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chassis.rights import Field, clause, one_of
from contracts.rights import Caller, needs
from services.workflow.models import appointments, cases, drafts, tasks


def _with_task_of(departments: frozenset[str]) -> sa.ColumnElement[bool]:
    return sa.exists().where(tasks.c.case_no == cases.c.case_no, tasks.c.department.in_(sorted(departments)))


def first_tasks_of(departments: frozenset[str]) -> sa.ColumnElement[bool]:
    """The first task that each of the departments has in a case: one row for each case that it works on."""
    return sa.and_(one_of(tasks.c.department)(departments), tasks.c.first_of_department)


_CASE: Mapping[str, Field] = {
    "party": one_of(cases.c.applicant_id),
    "item": one_of(cases.c.item_code),
    "departments": _with_task_of,
}
_LISTED_CASE: Mapping[str, Field] = {**_CASE, "departments": first_tasks_of}
_DRAFT: Mapping[str, Field] = {"party": one_of(drafts.c.owner_id), "item": one_of(drafts.c.item_code)}
_APPOINTMENT: Mapping[str, Field] = {
    "party": one_of(appointments.c.party_id),
    "item": one_of(appointments.c.item_code),
}
_TASK: Mapping[str, Field] = {"department": one_of(tasks.c.department)}


@dataclass(frozen=True)
class ReadableCases:
    """The cases that a caller may list. ``by_department``: they are reached through ``tasks``, joined, which has the time of the
    application too.
    """

    where: sa.ColumnElement[bool]
    by_department: bool

    @property
    def source(self) -> sa.FromClause:
        """What to select from."""
        return cases.join(tasks, tasks.c.case_no == cases.c.case_no) if self.by_department else cases

    def newest_first(self, *, narrowed: bool) -> tuple[sa.Column[Any], sa.Column[Any]]:
        """The columns to order by, equal in both tables: of the department's index, or, when the list is ``narrowed`` to a
        state or an item, of the indexes that find these. In the order of the index that it reads, a page ends where it is full.
        """
        table = tasks if self.by_department and not narrowed else cases
        return table.c.submitted_at, table.c.case_no


def readable_cases(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the cases that ``caller`` may read."""
    return clause(needs(caller, "cases:read"), _CASE)


def listed_cases(caller: Caller, *, department: str | None = None) -> ReadableCases:
    """The same cases for a list, the rights as columns of the one query; only those that ``department`` works on, if given."""
    asked = needs(caller, "cases:read")
    through_tasks = asked is not None and any(need.field == "departments" for need in asked)
    where = clause(asked, _LISTED_CASE)
    if department is None:
        return ReadableCases(where, through_tasks)
    if through_tasks:  # an officer's own, or none
        return ReadableCases(sa.and_(where, tasks.c.department == department), True)
    return ReadableCases(sa.and_(where, first_tasks_of(frozenset({department}))), True)


def own_appointments(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the appointments that ``caller`` may read, move and cancel."""
    return clause(needs(caller, "appointments:book"), _APPOINTMENT)


def own_drafts(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the drafts that ``caller`` may read, write and throw away."""
    return clause(needs(caller, "cases:submit"), _DRAFT)


def readable_tasks(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the tasks that ``caller`` may read and receive."""
    return clause(needs(caller, "tasks:read"), _TASK)
