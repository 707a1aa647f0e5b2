"""Departments' work over HTTP, for those without AMQP: the same as over the bus."""

from __future__ import annotations

import time
from typing import Any

from flask_smorest import Blueprint

from chassis import stopping
from chassis.auth import principal, requires
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.idempotency import IdempotencyKey, idempotency_key, once
from contracts.case import Defect
from services.workflow import queries
from services.workflow.adapters.doorbell import DOORBELL
from services.workflow.api.schemas import (
    AssignedTaskSchema,
    OpinionAnswerSchema,
    OpinionSchema,
    ReceivedSchema,
    TaskListSchema,
    TaskQuerySchema,
)
from services.workflow.domain.opinion import TOLD_WHEN_REFUSED, Opinion
from services.workflow.models import db
from services.workflow.use_cases.acknowledge_tasks import acknowledge_tasks
from services.workflow.use_cases.record_opinions import record_opinion, tell_refused_opinion

TASKS = Blueprint("tasks", __name__, url_prefix="/api/v1/tasks", description="部门任务 / departments' tasks")

POLL_S = 1.0
MOST_WAITING = 100


def _department() -> str:
    department = principal().department
    if department is None:
        raise Refusal("forbidden", "仅部门系统可用 / for departments only")
    return department


@TASKS.get("")
@requires("tasks:read")
@TASKS.arguments(TaskQuerySchema, location="query")
@TASKS.response(200, TaskListSchema)
def list_tasks(query: dict[str, Any]) -> dict[str, Any]:
    """待办、已办任务: the department's open tasks, or the latest that it has answered."""
    _department()
    if query["state"] == "answered":
        return {"tasks": queries.answered_tasks(principal())}
    return {"tasks": _open_tasks(query)}


def _open_tasks(query: dict[str, Any]) -> list[dict[str, Any]]:
    caller, department = principal(), _department()
    known = set(filter(None, query["known"].split(",")))
    deadline = time.monotonic() + (query["wait_s"] if DOORBELL.waiting < MOST_WAITING else 0.0)
    while True:
        seen = DOORBELL.count(department)
        tasks = queries.open_tasks(caller, but=known)
        left_s = deadline - time.monotonic()
        if tasks or left_s <= 0 or stopping.closing():
            return tasks
        DOORBELL.wait(department, seen, min(POLL_S, left_s))


@TASKS.get("/<task_id>")
@requires("tasks:read")
@TASKS.response(200, AssignedTaskSchema)
def show(task_id: str) -> dict[str, Any]:
    """任务详情: one task, whatever its state."""
    _department()
    return queries.task_for(principal(), task_id)


@TASKS.post("/<task_id>/receipt")
@requires("tasks:read")
@TASKS.response(200, ReceivedSchema)
def receive(task_id: str) -> dict[str, Any]:
    """签收: the department has the task safely."""
    department = _department()
    queries.task_for(principal(), task_id)
    with db.transaction() as tx:
        return {"task_id": task_id, "first": acknowledge_tasks(tx, {(task_id, department)}) == 1}


@TASKS.post("/<task_id>/opinion")
@requires("tasks:answer")
@TASKS.arguments(OpinionSchema)
@TASKS.response(200, OpinionAnswerSchema)
def answer(body: dict[str, Any], task_id: str) -> Any:
    """出具意见: agree, disagree with a reason, or name the materials to be corrected (Idempotency-Key required)."""
    key, department, caller = idempotency_key(), _department(), principal()
    by_officer = caller.kind == "officer"
    opinion = Opinion(
        task_id=task_id,
        department=department,
        verdict=body["verdict"],
        reason=body["reason"],
        defects=tuple(Defect(**defect) for defect in body["defects"]),
        officer=caller.name if by_officer else body["officer"],
        account_id=caller.subject if by_officer else None,
        conditions=tuple(body["conditions"]),
        channel="web" if by_officer else "api",
    )
    try:
        return _answered(opinion, key)
    except Refusal as refusal:
        if refusal.code in TOLD_WHEN_REFUSED:
            with db.transaction() as tx:
                tell_refused_opinion(tx, opinion, refusal, opinion_id=key.key)
        raise


def _answered(opinion: Opinion, key: IdempotencyKey) -> Any:
    def answer(tx: Tx) -> dict[str, Any]:
        file = record_opinion(tx, opinion)
        return {
            "task_id": opinion.task_id,
            "verdict": opinion.verdict,
            "case_no": file.case_no,
            "case_state": file.state.value,
            "task_state": file.tasks[opinion.task_id].state.value,
        }

    return once(db, answer, key=key)
