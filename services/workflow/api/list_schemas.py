"""Lists, searches and estimates: what may be asked, and what they answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, get_args

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range, Regexp

from contracts.item import StepKind
from services.workflow.domain.states import CaseState
from services.workflow.queries.page import PAGE
from services.workflow.queries.worklist import SEPARATOR

STATES = tuple(state.value for state in CaseState)
ITEM = {"validate": Length(equal=31), "metadata": {"description": "实施编码"}}
CASE_NO = {"validate": Regexp(r"\A[0-9A-Za-z]{1,50}\Z"), "metadata": {"description": "办件号的开头 / how it begins"}}
MOST = 200
DAYS = {"validate": Range(0, 366)}
CODE = {"validate": Regexp(r"\A[\w.-]{1,64}\Z")}


def _optional(field: type[ma.fields.Field[Any]], **options: Any) -> ma.fields.Field[Any]:
    return field(load_default=None, **options)


class CaseFilterSchema(ma.Schema):
    """Conditions that hold together; dates are of Asia/Shanghai. ``sort`` ``due``: what is undecided, most urgent first."""

    state = _optional(ma.fields.String, validate=OneOf(STATES))
    item_code = _optional(ma.fields.String, **ITEM)
    case_no = _optional(ma.fields.String, **CASE_NO)
    department = _optional(ma.fields.String, **CODE)
    submitted_from = _optional(ma.fields.Date)
    submitted_to = _optional(ma.fields.Date)
    due_within_days = _optional(ma.fields.Integer, **DAYS)
    overdue = ma.fields.Boolean(load_default=False)
    sort = ma.fields.String(load_default="newest", validate=OneOf(("newest", "due")))

    @ma.post_load
    def _capitals(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data.get("case_no"):
            data["case_no"] = data["case_no"].upper()
        return data


class CaseSearchSchema(CaseFilterSchema):
    """The conditions, and ``before``: the last case number of the page before."""

    before = _optional(ma.fields.String, validate=Length(max=50))
    limit = ma.fields.Integer(load_default=PAGE, validate=Range(1, MOST))


class TaskFilterSchema(ma.Schema):
    """Conditions that hold together. ``officer`` is an account, or ``me``: who has the open task, or gave the answer."""

    state = ma.fields.String(load_default="open", validate=OneOf(("open", "answered")))
    item_code = _optional(ma.fields.String, **ITEM)
    kind = _optional(ma.fields.String, validate=OneOf(get_args(StepKind)))
    step = _optional(ma.fields.String, **CODE)
    case_no = _optional(ma.fields.String, **CASE_NO)
    officer = _optional(ma.fields.String, **CODE)
    assigned_on = _optional(ma.fields.Date)
    due_on = _optional(ma.fields.Date)
    due_from = _optional(ma.fields.Date)
    due_within_days = _optional(ma.fields.Integer, **DAYS)
    overdue = ma.fields.Boolean(load_default=False)
    unacknowledged = ma.fields.Boolean(load_default=False)

    @ma.post_load
    def _capitals(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data.get("case_no"):
            data["case_no"] = data["case_no"].upper()
        return data


class TaskSearchSchema(TaskFilterSchema):
    """The conditions, and ``after``: the ``next`` of the page before."""

    after = _optional(ma.fields.String, validate=Length(max=200))
    limit = ma.fields.Integer(load_default=PAGE, validate=Range(1, MOST))

    @ma.validates_schema
    def _place(self, data: dict[str, Any], **_: Any) -> None:
        """``after`` is the place of a task in the list that is asked for."""
        if data.get("after") is None:
            return
        at, separator, task_id = data["after"].partition(SEPARATOR)
        try:
            if data.get("state") == "answered":
                moment = datetime.fromisoformat(at)
                known = moment.tzinfo is not None
            else:
                known = bool(date.fromisoformat(at))
        except ValueError:
            known = False
        if not (known and separator and task_id and task_id.isprintable()):
            raise ma.ValidationError("翻页位置无效 / no place of this list", "after")


class WorkSchema(ma.Schema):
    """A task in a work list."""

    task_id = ma.fields.String(required=True)
    case_no = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    item_version = ma.fields.Integer(required=True)
    item_name = ma.fields.String(required=True)
    item_name_en = ma.fields.String(required=True)
    step = ma.fields.String(required=True)
    step_name = ma.fields.String(required=True)
    step_name_en = ma.fields.String(required=True, allow_none=True)
    kind = ma.fields.String(required=True)
    round = ma.fields.Integer(required=True)
    department = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    case_state = ma.fields.String(required=True)
    due_on = ma.fields.Date(required=True)
    assigned_at = ma.fields.AwareDateTime(required=True)
    acknowledged_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    closed_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    assignee = ma.fields.String(required=True, allow_none=True)
    verdict = ma.fields.String(required=True, allow_none=True)
    officer = ma.fields.String(required=True, allow_none=True)


class WorkListSchema(ma.Schema):
    """A page of tasks; ``next`` is the value for ``after`` of the next page."""

    tasks = ma.fields.List(ma.fields.Nested(WorkSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class ItemTasksSchema(ma.Schema):
    """Open tasks of one item."""

    item_code = ma.fields.String(required=True)
    item_name = ma.fields.String(required=True)
    item_name_en = ma.fields.String(required=True)
    tasks = ma.fields.Integer(required=True)


class StepTasksSchema(ma.Schema):
    """Open tasks of one step."""

    step = ma.fields.String(required=True)
    step_name = ma.fields.String(required=True)
    step_name_en = ma.fields.String(required=True, allow_none=True)
    tasks = ma.fields.Integer(required=True)


class WorkCountsSchema(ma.Schema):
    """Open tasks of the department. ``new``: not received yet; ``more``: only the most urgent ones were counted."""

    open = ma.fields.Integer(required=True)
    more = ma.fields.Boolean(required=True)
    overdue = ma.fields.Integer(required=True)
    due_today = ma.fields.Integer(required=True)
    due_soon = ma.fields.Integer(required=True)
    new = ma.fields.Integer(required=True)
    items = ma.fields.List(ma.fields.Nested(ItemTasksSchema), required=True)
    steps = ma.fields.List(ma.fields.Nested(StepTasksSchema), required=True)


class CommittedLimitSchema(ma.Schema):
    """A limit."""

    amount = ma.fields.Integer(required=True)
    unit = ma.fields.String(required=True)


class QuantilesSchema(ma.Schema):
    """Working days within which half, four fifths and nineteen of twenty were done; null where ``n`` is below ``fewest``."""

    n = ma.fields.Integer(required=True)
    p50 = ma.fields.Float(required=True, allow_none=True)
    p80 = ma.fields.Float(required=True, allow_none=True)
    p95 = ma.fields.Float(required=True, allow_none=True)


class TypicalStepSchema(QuantilesSchema):
    """What a step has taken."""

    step = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)


class TypicalSchema(QuantilesSchema):
    """What cases of an item have taken from acceptance to decision in the last quarters, and each step of them."""

    item_code = ma.fields.String(required=True)
    fewest = ma.fields.Integer(required=True)
    committed_limit = ma.fields.Nested(CommittedLimitSchema, required=True)
    steps = ma.fields.List(ma.fields.Nested(TypicalStepSchema), required=True)
