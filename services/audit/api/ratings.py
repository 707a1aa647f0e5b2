"""Ratings (好差评)."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint
from marshmallow.validate import Length, OneOf, Regexp

from chassis.auth import principal, requires
from chassis.errors import Refusal
from chassis.idempotency import claim_key, idempotency_key, store_answer
from chassis.web import API_PREFIX
from services.audit.domain.ratings import ASPECTS, LEVELS
from services.audit.models import db
from services.audit.use_cases.give_rating import GiveRating, give_rating
from services.audit.use_cases.show_rating import show_rating

ratings_api = Blueprint("ratings", __name__, url_prefix=f"{API_PREFIX}/ratings", description="好差评 / ratings")

MEANING = {"description": "5 非常满意, 4 满意, 3 基本满意, 2 不满意, 1 非常不满意"}


class GiveRatingSchema(ma.Schema):
    """What the applicant says of a case that has ended."""

    case_no = ma.fields.String(required=True, validate=Regexp(r"^[0-9A-Za-z]{1,60}\Z"))
    level = ma.fields.Integer(required=True, strict=True, validate=OneOf(LEVELS), metadata=MEANING)
    comment = ma.fields.String(load_default=None, allow_none=True, validate=Length(max=500))
    aspects = ma.fields.List(
        ma.fields.String(validate=OneOf(ASPECTS)), load_default=list, validate=Length(max=len(ASPECTS))
    )


class RatingSchema(ma.Schema):
    """A rating. ``follow_up_by`` is the last day on which a bad one is followed up; null for the others."""

    case_no = ma.fields.String(required=True)
    level = ma.fields.Integer(required=True, validate=OneOf(LEVELS), metadata=MEANING)
    comment = ma.fields.String(required=True, allow_none=True)
    aspects = ma.fields.List(ma.fields.String(validate=OneOf(ASPECTS)), required=True)
    given_on = ma.fields.Date(required=True)
    follow_up_by = ma.fields.Date(required=True, allow_none=True)


@ratings_api.route("", methods=["POST"])
@requires("ratings:write")
@ratings_api.arguments(GiveRatingSchema)
@ratings_api.response(201, RatingSchema)
def give(body: dict[str, Any]) -> Any:
    """评价: rate one's own case, once (Idempotency-Key required)."""
    key = idempotency_key()
    command = GiveRating(
        case_no=body["case_no"],
        level=body["level"],
        aspects=body["aspects"],
        comment=(body["comment"] or "").strip() or None,
    )
    with db.transaction() as tx:
        if earlier := claim_key(tx, db, key):
            return RatingSchema().load(earlier)
        answer = give_rating(tx, command, principal())
        store_answer(tx, db, key, RatingSchema().dump(answer))
        return answer


@ratings_api.route("/<case_no>", methods=["GET"])
@requires("ratings:read")
@ratings_api.response(200, RatingSchema)
def show(case_no: str) -> Any:
    """A case's rating with its comment: a supervisor's, or the applicant's own."""
    if not (case_no.isascii() and case_no.isalnum()):
        raise Refusal("not_found", "没有这个评价 / no such rating", case_no=case_no)
    with db.read() as connection:
        return show_rating(connection, case_no, principal())
