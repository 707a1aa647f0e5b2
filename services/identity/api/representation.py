"""代办令牌: a delegation is exchanged for a token that names both (RFC 8693)."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis.auth import principal, requires
from services.identity.api.desk import desk
from services.identity.api.people_desk import require_oneself
from services.identity.api.people_schemas import ACCESS_TOKEN_TYPE, ExchangedTokenSchema, ExchangeSchema
from services.identity.use_cases.represent import Through, represent

REPRESENTATION = Blueprint(
    "representation", __name__, url_prefix="/api/v1/tokens", description="代办令牌 / acting for another"
)
REPRESENTATION.DEFAULT_LOCATION_CONTENT_TYPE_MAPPING = {"json_or_form": "application/json"}

NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@REPRESENTATION.post("/representation")
@requires("delegations:write")
@REPRESENTATION.arguments(ExchangeSchema, location="json_or_form")
@REPRESENTATION.response(200, ExchangedTokenSchema)
def exchange(body: dict[str, Any]) -> Any:
    """以委托换令牌: ``sub`` and ``party`` are the represented, ``act`` is the caller; rights and life are the delegation's."""
    require_oneself()
    who = principal()
    caller = represent(who.subject, body["subject_token"], Through(who.session, who.client, who.grant))
    return desk().tokens.issue(caller) | {"issued_token_type": ACCESS_TOKEN_TYPE}, NOT_STORED
