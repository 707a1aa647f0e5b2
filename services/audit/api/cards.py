"""Supervision cards (电子监察亮牌)."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint

from chassis.auth import requires
from chassis.web import API_PREFIX
from services.audit import queries
from services.audit.models import db

cards_api = Blueprint("cards", __name__, url_prefix=f"{API_PREFIX}/cards", description="监察亮牌 / supervision cards")

LEVELS = ("yellow", "red")
PAGE = 50
MAX_PAGE = 200
WORD = ma.validate.Regexp(r"^[0-9A-Za-z_]{1,60}$")


class CardsQuery(ma.Schema):
    """What to look for; ``before`` is the ``next`` of the page before."""

    case_no = ma.fields.String(validate=WORD)
    department = ma.fields.String(validate=WORD)
    level = ma.fields.String(validate=ma.validate.OneOf(LEVELS))
    before = ma.fields.Integer(validate=ma.validate.Range(min=1, max=2**53))
    limit = ma.fields.Integer(load_default=PAGE, validate=ma.validate.Range(min=1, max=MAX_PAGE))


class CardSchema(ma.Schema):
    """A card. ``revoked`` (撤销) when the task turned out to have been answered in time."""

    card_no = ma.fields.String(required=True)
    rule = ma.fields.String(required=True)
    level = ma.fields.String(required=True, validate=ma.validate.OneOf(LEVELS))
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(("issued", "revoked")))
    department = ma.fields.String(required=True)
    case_no = ma.fields.String(required=True)
    task_id = ma.fields.String(required=True)
    due_on = ma.fields.Date(required=True, allow_none=True)
    raised_on = ma.fields.Date(required=True)
    detail = ma.fields.String(required=True)


class CardsSchema(ma.Schema):
    """A page, newest first. ``next`` is null on the last one."""

    cards = ma.fields.List(ma.fields.Nested(CardSchema), required=True)
    next = ma.fields.Integer(required=True, allow_none=True)


@cards_api.route("", methods=["GET"])
@requires("cards:read")
@cards_api.arguments(CardsQuery, location="query")
@cards_api.response(200, CardsSchema)
def list_cards(query: dict[str, Any]) -> dict[str, Any]:
    """Cards that have been raised."""
    limit, before = query.pop("limit"), query.pop("before", None)
    with db.read() as connection:
        rows = queries.cards_matching(connection, query, before=before, limit=limit + 1)
    page = [dict(row._mapping, status="issued" if row.revoked_at is None else "revoked") for row in rows[:limit]]
    return {"cards": page, "next": rows[limit - 1].position if len(rows) > limit else None}
