"""The table of rights (contracts/rights.py) over workflow's rows: one clause for lists and for single objects."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from chassis.rights import Field, clause, one_of
from contracts.rights import Caller, needs
from services.workflow.models import cases, drafts, tasks


def _with_task_of(departments: frozenset[str]) -> sa.ColumnElement[bool]:
    return sa.exists().where(tasks.c.case_no == cases.c.case_no, tasks.c.department.in_(sorted(departments)))


_CASE: Mapping[str, Field] = {
    "party": one_of(cases.c.applicant_id),
    "item": one_of(cases.c.item_code),
    "departments": _with_task_of,
}
_DRAFT: Mapping[str, Field] = {"party": one_of(drafts.c.owner_id), "item": one_of(drafts.c.item_code)}
_TASK: Mapping[str, Field] = {"department": one_of(tasks.c.department)}


def readable_cases(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the cases that ``caller`` may read."""
    return clause(needs(caller, "cases:read"), _CASE)


def own_drafts(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the drafts that ``caller`` may read, write and throw away."""
    return clause(needs(caller, "cases:submit"), _DRAFT)


def readable_tasks(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the tasks that ``caller`` may read and receive."""
    return clause(needs(caller, "tasks:read"), _TASK)
