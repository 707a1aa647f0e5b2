"""Reads. Rights are columns of the query, never a filter behind it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from services.workflow.adapters import case_store
from services.workflow.adapters.drafts import draft_row
from services.workflow.adapters.items import items_of
from services.workflow.adapters.rights import own_drafts, readable_cases, readable_tasks
from services.workflow.domain.case_file import CaseFile
from services.workflow.models import case_materials, cases, db, drafts, opinions, tasks, transitions

PAGE = 50


def cases_of(caller: Principal, *, before: str | None) -> list[dict[str, Any]]:
    """The cases of the caller's party, newest first, at most PAGE; ``before`` is the last case number of the page before."""
    c = cases.c
    statement = sa.select(cases).where(c.applicant_id == caller.party, readable_cases(caller))
    if before is not None:
        since = sa.select(c.submitted_at).where(c.case_no == before).scalar_subquery()
        statement = statement.where(sa.tuple_(c.submitted_at, c.case_no) < sa.tuple_(since, before))
    with db.read() as connection:
        rows = connection.execute(statement.order_by(c.submitted_at.desc(), c.case_no.desc()).limit(PAGE)).fetchall()
        items = items_of(connection, {(row.item_code, row.item_version) for row in rows})
    return [_summary(row, items[row.item_code, row.item_version].name) for row in rows]


def case_for(caller: Principal, case_no: str) -> dict[str, Any]:
    """One case with its tasks, materials, deadlines and timeline, in one call. Raises Refusal ``not_found``."""
    with db.read() as connection:
        mine = sa.select(cases).where(cases.c.case_no == case_no, readable_cases(caller))
        row = connection.execute(mine).one_or_none()
        if row is None:
            raise Refusal("not_found", "没有此办件 / there is no such case", case_no=case_no)
        item = items_of(connection, [(row.item_code, row.item_version)])[row.item_code, row.item_version]
        return _summary(row, item.name) | {
            "submitted_by": row.submitted_by,
            "agent_name": row.agent_name,
            "applicant_name": row.applicant_name,
            "form": row.form,
            "tasks": _tasks(connection, case_no),
            "materials": _materials(connection, case_no),
            "timeline": _timeline(connection, case_no),
            "decision_reason": row.decision_reason,
        }


def _summary(row: Any, item_name: str) -> dict[str, Any]:
    return {
        "case_no": row.case_no,
        "item_code": row.item_code,
        "item_version": row.item_version,
        "item_name": item_name,
        "state": row.state,
        "channel": row.channel,
        "submitted_at": row.submitted_at,
        "accept_by": row.accept_by,
        "accepted_on": row.accepted_on,
        "due_on": row.due_on,
        "due_provisional": row.provisional,
        "decided_at": row.decided_at,
        "licence_no": row.licence_no,
        "closed_at": row.closed_at,
    }


def _tasks(connection: sa.Connection, case_no: str) -> list[dict[str, Any]]:
    statement = (
        sa.select(tasks, opinions.c.verdict, opinions.c.reason, opinions.c.defects, opinions.c.officer)
        .select_from(tasks.outerjoin(opinions, opinions.c.task_id == tasks.c.task_id))
        .where(tasks.c.case_no == case_no)
        .order_by(tasks.c.assigned_at, tasks.c.task_id)
    )
    return [dict(row._mapping) for row in connection.execute(statement)]


def _materials(connection: sa.Connection, case_no: str) -> list[dict[str, Any]]:
    m = case_materials.c
    statement = sa.select(case_materials).where(m.case_no == case_no).order_by(m.position)
    return [dict(row._mapping) for row in connection.execute(statement)]


def _timeline(connection: sa.Connection, case_no: str) -> list[dict[str, Any]]:
    t = transitions.c
    statement = sa.select(transitions).where(t.case_no == case_no).order_by(t.seq)
    return [dict(row._mapping) for row in connection.execute(statement)]


def moves_after(case_no: str, seq: int) -> list[dict[str, Any]]:
    """The moves of a case after number ``seq``: from, to, when; the caller has looked whether they may be seen."""
    t = transitions.c
    statement = sa.select(t.seq, t.before, t.after, t.at).where(t.case_no == case_no, t.seq > seq).order_by(t.seq)
    with db.read() as connection:
        return [dict(row._mapping) for row in connection.execute(statement)]


def open_tasks(caller: Principal, *, but: Collection[str] = ()) -> list[dict[str, Any]]:
    """The open tasks of the caller's department that are not in ``but``, oldest first, at most PAGE."""
    t = tasks.c
    mine = (
        sa.select(t.task_id, t.case_no)
        .where(readable_tasks(caller), t.state == "open", t.task_id.not_in(sorted(but)))
        .order_by(t.assigned_at)
        .limit(PAGE)
    )
    return _in_full(mine)


def answered_tasks(caller: Principal) -> list[dict[str, Any]]:
    """The tasks that the caller's department has answered, latest first, at most PAGE."""
    t = tasks.c
    mine = (
        sa.select(t.task_id, t.case_no)
        .where(readable_tasks(caller), t.state == "answered")
        .order_by(t.closed_at.desc())
        .limit(PAGE)
    )
    return _in_full(mine)


def task_for(caller: Principal, task_id: str) -> dict[str, Any]:
    """One task of the caller's department, whatever its state. Raises Refusal ``not_found``."""
    t = tasks.c
    found = _in_full(sa.select(t.task_id, t.case_no).where(t.task_id == task_id, readable_tasks(caller)))
    if not found:
        raise Refusal("not_found", "没有此任务 / there is no such task", task_id=task_id)
    return found[0]


def _in_full(mine: sa.Select[tuple[str, str]]) -> list[dict[str, Any]]:
    """The selected tasks in their order, complete as ``task.assigned`` tells, and where each stands."""
    with db.read() as connection:
        rows = connection.execute(mine).fetchall()
        files = case_store.load(Tx(connection, db), {row.case_no for row in rows}, lock=False)
    return [_task_in_full(files[row.case_no], row.task_id) for row in rows]


def _task_in_full(file: CaseFile, task_id: str) -> dict[str, Any]:
    task = file.tasks[task_id]
    assigned: dict[str, Any] = msgspec.to_builtins(file.assignment(task))
    return assigned | {
        "item_version": file.item.version,
        "assigned_at": task.assigned_at,
        "state": task.state.value,
        "verdict": task.verdict,
        "closed_at": task.closed_at,
    }


def drafts_of(caller: Principal) -> list[dict[str, Any]]:
    """The caller's drafts, the last touched first."""
    d = drafts.c
    statement = (
        sa.select(d.draft_id, d.item_code, d.item_version, d.step, d.updated_at)
        .where(own_drafts(caller))
        .order_by(d.updated_at.desc(), d.draft_id.desc())
    )
    with db.read() as connection:
        rows = connection.execute(statement).fetchall()
        items = items_of(connection, {(row.item_code, row.item_version) for row in rows})
    return [_draft_summary(row, items[row.item_code, row.item_version].name) for row in rows]


def draft_of(connection: sa.Connection, caller: Principal, draft_id: str) -> dict[str, Any]:
    """One draft of the caller with all that it holds, in JSON's types. Raises Refusal ``draft_unknown``."""
    row = draft_row(connection, draft_id, caller)
    item = items_of(connection, [(row.item_code, row.item_version)])[row.item_code, row.item_version]
    return _draft_summary(row, item.name) | {"form": row.form, "materials": row.materials, "version": row.version}


def _draft_summary(row: Any, item_name: str) -> dict[str, Any]:
    return {
        "draft_id": row.draft_id,
        "item_code": row.item_code,
        "item_version": row.item_version,
        "item_name": item_name,
        "step": row.step,
        "updated_at": row.updated_at.isoformat(),
    }
