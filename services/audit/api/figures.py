"""Public figures (公开数据): for anyone."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import public
from chassis.web import API_PREFIX
from services.audit.domain.figures import CARD_LEVELS, OF_CASES
from services.audit.models import db
from services.audit.use_cases.show_figures import show_figures

figures_api = Blueprint(
    "figures", __name__, url_prefix=f"{API_PREFIX}/figures", description="公开数据 / public figures"
)


def _counts(*names: str) -> dict[str, ma.fields.Field[Any]]:
    return {name: ma.fields.Integer(required=True) for name in names}


TotalsSchema = ma.Schema.from_dict(_counts(*OF_CASES.values()), name="TotalsSchema")
OnTimeSchema = ma.Schema.from_dict(_counts("answered", "late"), name="OnTimeSchema")
CardCountsSchema = ma.Schema.from_dict(_counts(*CARD_LEVELS), name="CardCountsSchema")
LevelCountSchema = ma.Schema.from_dict(_counts("level", "count"), name="LevelCountSchema")


class RatingFiguresSchema(ma.Schema):
    """Ratings, from the best level to the worst. ``average`` is null when there is none."""

    count = ma.fields.Integer(required=True)
    average = ma.fields.Float(required=True, allow_none=True)
    by_level = ma.fields.List(ma.fields.Nested(LevelCountSchema), required=True)


class DaySchema(ma.Schema):
    """One day in Asia/Shanghai."""

    day = ma.fields.Date(required=True)
    submitted = ma.fields.Integer(required=True)
    closed = ma.fields.Integer(required=True)


class ItemFiguresSchema(ma.Schema):
    """One service item."""

    item_code = ma.fields.String(required=True)
    submitted = ma.fields.Integer(required=True)
    closed = ma.fields.Integer(required=True)


class FiguresSchema(ma.Schema):
    """``on_time``: answers of departments, and how many of them were late. Cards that were revoked do not count."""

    as_of = ma.fields.AwareDateTime(required=True)
    totals = ma.fields.Nested(TotalsSchema, required=True)
    on_time = ma.fields.Nested(OnTimeSchema, required=True)
    cards = ma.fields.Nested(CardCountsSchema, required=True)
    ratings = ma.fields.Nested(RatingFiguresSchema, required=True)
    days = ma.fields.List(ma.fields.Nested(DaySchema), required=True, metadata={"description": "30, oldest first"})
    by_item = ma.fields.List(ma.fields.Nested(ItemFiguresSchema), required=True)


@figures_api.route("", methods=["GET"])
@public
@figures_api.response(200, FiguresSchema)
def get_figures() -> dict[str, Any]:
    """Cases, departments' punctuality, supervision cards and ratings in figures."""
    with db.read() as connection:
        return show_figures(connection, clock.now())
