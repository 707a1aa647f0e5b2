"""待办清单 over HTTP: a department's tasks to look through, count and take along."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from chassis.auth import principal, requires
from services.workflow import queries
from services.workflow.api.list_schemas import (
    TaskFilterSchema,
    TaskSearchSchema,
    WorkCountsSchema,
    WorkListSchema,
)
from services.workflow.api.tables import table
from services.workflow.queries.worklist import TaskFilter, place_of

WORKLIST = Blueprint("worklist", __name__, url_prefix="/api/v1/worklist", description="待办清单 / work list")
COLUMNS = {
    "case_no": "办件号 / Case",
    "item_name": "事项 / Item",
    "step_name": "环节 / Step",
    "round": "轮次 / Round",
    "state": "任务状态 / Task",
    "case_state": "办件状态 / Case state",
    "due_on": "期限 / Due",
    "assigned_at": "收到 / Assigned",
    "acknowledged_at": "签收 / Received",
    "closed_at": "答复 / Answered",
    "verdict": "意见 / Opinion",
    "officer": "经办人 / Officer",
}


@WORKLIST.get("")
@requires("tasks:read")
@WORKLIST.arguments(TaskSearchSchema, location="query")
@WORKLIST.response(200, WorkListSchema)
def list_work(query: dict[str, Any]) -> dict[str, Any]:
    """待办、已办: the department's tasks, open ones the most urgent first, answered ones the latest first."""
    after, limit = query.pop("after"), query.pop("limit")
    page = queries.work_list(principal(), TaskFilter(**query), after=after, limit=limit)
    return {"tasks": page, "next": place_of(page[-1]) if len(page) == limit else None}


@WORKLIST.get("/counts")
@requires("tasks:read")
@WORKLIST.response(200, WorkCountsSchema)
def count_work() -> dict[str, Any]:
    """待办统计: the department's open tasks by urgency, item and step."""
    return queries.work_counts(principal())


@WORKLIST.get("/export")
@requires("tasks:read")
@WORKLIST.arguments(TaskFilterSchema, location="query")
@WORKLIST.response(200, content_type="text/csv")
def export_work(query: dict[str, Any]) -> Response:
    """导出清单: the same list whole, as CSV."""
    return table("worklist.csv", COLUMNS, queries.pages_of_tasks(principal(), TaskFilter(**query)))
