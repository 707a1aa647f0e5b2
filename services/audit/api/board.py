"""The supervisors' board (监察看板)."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import requires
from chassis.web import API_PREFIX
from services.audit.domain.progress import OPEN_STATES
from services.audit.models import db
from services.audit.use_cases.show_board import show_board

board_api = Blueprint(
    "board", __name__, url_prefix=f"{API_PREFIX}/board", description="监察看板 / the supervisors' board"
)


class StateCountSchema(ma.Schema):
    """Open cases in one state."""

    state = ma.fields.String(required=True, validate=ma.validate.OneOf(OPEN_STATES))
    count = ma.fields.Integer(required=True)


class DepartmentSchema(ma.Schema):
    """A department's open tasks, its answers of today, and the cards that stand against it."""

    department = ma.fields.String(required=True)
    open = ma.fields.Integer(required=True)
    due_today = ma.fields.Integer(required=True)
    overdue = ma.fields.Integer(required=True)
    answered_today = ma.fields.Integer(required=True)
    yellow = ma.fields.Integer(required=True)
    red = ma.fields.Integer(required=True)


class OpenTaskSchema(ma.Schema):
    """A task that is not answered yet."""

    task_id = ma.fields.String(required=True)
    case_no = ma.fields.String(required=True)
    department = ma.fields.String(required=True)
    step_name = ma.fields.String(required=True)
    due_on = ma.fields.Date(required=True)


class BoardSchema(ma.Schema):
    """Every open state, every department, and the tasks that are due first, a hundred at most."""

    as_of = ma.fields.AwareDateTime(required=True)
    states = ma.fields.List(ma.fields.Nested(StateCountSchema), required=True)
    departments = ma.fields.List(ma.fields.Nested(DepartmentSchema), required=True)
    open_tasks = ma.fields.List(ma.fields.Nested(OpenTaskSchema), required=True)


@board_api.route("", methods=["GET"])
@requires("board:read")
@board_api.response(200, BoardSchema)
def get_board() -> dict[str, Any]:
    """What is open, who owes it, and what is most urgent."""
    with db.read() as connection:
        return show_board(connection, clock.now())
