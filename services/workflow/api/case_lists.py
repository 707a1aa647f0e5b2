"""Looking at cases over HTTP: lists and searches of whoever may read them, one case whole."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from chassis.auth import principal, requires
from services.workflow import queries
from services.workflow.api.list_schemas import CaseFilterSchema, CaseSearchSchema
from services.workflow.api.schemas import CaseListSchema
from services.workflow.api.tables import table
from services.workflow.api.whole_case_schemas import WholeCaseSchema
from services.workflow.queries.case_list import CaseFilter

CASE_LISTS = Blueprint("case-lists", __name__, url_prefix="/api/v1/cases", description="查办件 / looking at cases")
COLUMNS = {
    "case_no": "办件号 / Case",
    "item_name": "事项 / Item",
    "state": "状态 / State",
    "channel": "渠道 / Channel",
    "submitted_at": "提交 / Submitted",
    "accepted_on": "受理 / Accepted",
    "due_on": "期限 / Due",
    "decided_at": "决定 / Decided",
    "closed_at": "办结 / Closed",
    "licence_no": "证照 / Licence",
}


@CASE_LISTS.get("")
@requires("cases:read")
@CASE_LISTS.arguments(CaseSearchSchema, location="query")
@CASE_LISTS.response(200, CaseListSchema)
def list_cases(query: dict[str, Any]) -> dict[str, Any]:
    """我的办件、查办件: the party's own cases, the department's, or all, by who asks; the newest first unless ``sort`` says
    ``due``.
    """
    before, limit = query.pop("before"), query.pop("limit")
    page = queries.cases_of(principal(), CaseFilter(**query), before=before, limit=limit)
    return {"cases": page, "next": page[-1]["case_no"] if len(page) == limit else None}


@CASE_LISTS.get("/export")
@requires("cases:read")
@CASE_LISTS.arguments(CaseFilterSchema, location="query")
@CASE_LISTS.response(200, content_type="text/csv")
def export_cases(query: dict[str, Any]) -> Response:
    """导出办件清单: the same list whole, as CSV."""
    return table("cases.csv", COLUMNS, queries.pages_of_cases(principal(), CaseFilter(**query)))


@CASE_LISTS.get("/<case_no>")
@requires("cases:read")
@CASE_LISTS.response(200, WholeCaseSchema)
def show(case_no: str) -> dict[str, Any]:
    """办件详情: one case whole: stage, who is waited for, notice, every clock and why, documents, decision, what to do next."""
    return queries.case_for(principal(), case_no)
