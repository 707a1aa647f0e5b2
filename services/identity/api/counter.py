"""What staff look up to do their work: the person at the counter, by name and number as the card says; one's colleagues."""

from __future__ import annotations

import marshmallow as ma
from flask_smorest import Blueprint
from marshmallow.validate import Length, Regexp

from chassis.auth import principal, requires
from services.identity.api.desk import desk
from services.identity.api.people_schemas import MaskedPartySchema
from services.identity.api.schemas import SensitiveField
from services.identity.domain.directory import NAME
from services.identity.domain.sensitive import Sensitive
from services.identity.use_cases.show_accounts import officers_of
from services.identity.use_cases.show_people import party_named

COUNTER = Blueprint("counter", __name__, url_prefix="/api/v1", description="综合窗口 / counters")


class ColleagueSchema(ma.Schema):
    """An officer of the caller's department."""

    account_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)


class ColleagueListSchema(ma.Schema):
    """By name; the caller is among them."""

    officers = ma.fields.List(ma.fields.Nested(ColleagueSchema), required=True)


class NamedPartySchema(ma.Schema):
    """Name and number as they stand on the identity card or the business licence."""

    name = ma.fields.String(required=True, validate=Regexp(NAME))
    number = SensitiveField(required=True, validate=Length(max=40))


@COUNTER.post("/parties/matches")
@requires("parties:match")
@COUNTER.arguments(NamedPartySchema)
@COUNTER.response(200, MaskedPartySchema)
def match(body: dict[str, str | Sensitive]) -> dict[str, str]:
    """窗口查人: the registered person or organisation with this name and this number; nothing is said about half a match."""
    name, number = body["name"], body["number"]
    assert isinstance(name, str)
    assert isinstance(number, Sensitive)
    return party_named(desk().vault, name, number)


@COUNTER.get("/colleagues")
@requires("colleagues:read")
@COUNTER.response(200, ColleagueListSchema)
def show_colleagues() -> dict[str, list[dict[str, str]]]:
    """本部门经办人: to whom a task can be given."""
    return {"officers": officers_of(principal())}
