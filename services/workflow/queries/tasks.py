"""Tasks as departments' systems fetch them: complete in themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from services.workflow.adapters import case_store
from services.workflow.adapters.rights import readable_tasks
from services.workflow.domain.case_file import CaseFile
from services.workflow.models import db, tasks
from services.workflow.queries.page import PAGE, text


def open_tasks(caller: Principal, *, but: Collection[str] = ()) -> list[dict[str, Any]]:
    """The open tasks of the caller's department that are not in ``but``, the most urgent first, at most PAGE."""
    t = tasks.c
    mine = (
        sa.select(t.task_id, t.case_no, t.traceparent)
        .where(readable_tasks(caller), t.state == text("open"), t.task_id.not_in(sorted(but)))
        .order_by(t.due_on, t.task_id)
        .limit(PAGE)
    )
    return _in_full(mine)


def answered_tasks(caller: Principal) -> list[dict[str, Any]]:
    """The tasks that the caller's department has answered, latest first, at most PAGE."""
    t = tasks.c
    mine = (
        sa.select(t.task_id, t.case_no, t.traceparent)
        .where(readable_tasks(caller), t.state == text("answered"))
        .order_by(t.closed_at.desc())
        .limit(PAGE)
    )
    return _in_full(mine)


def task_for(caller: Principal, task_id: str) -> dict[str, Any]:
    """One task of the caller's department, whatever its state. Raises Refusal ``not_found``."""
    t = tasks.c
    mine = sa.select(t.task_id, t.case_no, t.traceparent).where(t.task_id == task_id, readable_tasks(caller))
    found = _in_full(mine)
    if not found:
        raise Refusal("not_found", "没有此任务 / there is no such task", task_id=task_id)
    return found[0]


def _in_full(mine: sa.Select[tuple[str, str, str | None]]) -> list[dict[str, Any]]:
    """The selected tasks in their order, complete as ``task.assigned`` tells, and where each stands."""
    with db.read() as connection:
        rows = connection.execute(mine).fetchall()
        files = case_store.load(Tx(connection, db), {row.case_no for row in rows}, lock=False)
    return [_task_in_full(files[row.case_no], row.task_id) | {"traceparent": row.traceparent} for row in rows]


def _task_in_full(file: CaseFile, task_id: str) -> dict[str, Any]:
    task = file.tasks[task_id]
    assigned: dict[str, Any] = msgspec.to_builtins(file.assignment(task))
    return (
        {"prior_opinions": [], "duty": None}
        | assigned
        | {
            "assignee": task.assignee,
            "signatures": [signature.officer for signature in task.signatures],
            "item_version": file.item.version,
            "assigned_at": task.assigned_at,
            "state": task.state.value,
            "verdict": task.verdict,
            "closed_at": task.closed_at,
        }
    )
