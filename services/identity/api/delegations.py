"""委托授权: offer, accept, revoke, see."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, requires
from services.identity.adapters.numbers import identity_number
from services.identity.api.desk import desk, once
from services.identity.api.people_desk import require_oneself
from services.identity.api.people_schemas import (
    DelegationIdSchema,
    DelegationListSchema,
    DelegationStateSchema,
    OfferSchema,
)
from services.identity.domain.delegation import Terms
from services.identity.models import db
from services.identity.use_cases import show_people
from services.identity.use_cases.delegate import accept_delegation, offer_delegation, revoke_delegation

DELEGATIONS = Blueprint(
    "delegations", __name__, url_prefix="/api/v1/delegations", description="委托授权 / who acts for whom"
)


@DELEGATIONS.get("")
@requires("data:self")
@DELEGATIONS.response(200, DelegationListSchema)
def show() -> dict[str, Any]:
    """我的委托: given by the party that the caller acts for, and received by the caller's person."""
    require_oneself()
    return show_people.delegations_of(principal().subject)


@DELEGATIONS.post("")
@requires("delegations:write")
@DELEGATIONS.arguments(OfferSchema)
@DELEGATIONS.response(201, DelegationIdSchema)
def offer(body: dict[str, Any]) -> Any:
    """提出委托: the grantee is named by name and number, and need not be registered yet (Idempotency-Key required)."""
    require_oneself()
    number = identity_number(body["identity_number"], clock.now())
    items = None if body["items"] is None else tuple(dict.fromkeys(body["items"]))
    terms = Terms(
        items=items, actions=tuple(dict.fromkeys(body["actions"])), from_on=body["from_on"], until_on=body["until_on"]
    )
    account_id, vault = principal().subject, desk().vault
    return once(
        lambda tx: {
            "delegation_id": offer_delegation(tx, vault, account_id, name=body["name"], number=number, terms=terms)
        }
    )


@DELEGATIONS.post("/<uuid:delegation_id>/acceptance")
@requires("delegations:write")
@DELEGATIONS.response(200, DelegationStateSchema)
def accept(delegation_id: Any) -> dict[str, str]:
    """接受委托. May be repeated."""
    require_oneself()
    with db.transaction() as tx:
        accept_delegation(tx, principal().subject, str(delegation_id))
    return {"delegation_id": str(delegation_id), "state": "accepted"}


@DELEGATIONS.post("/<uuid:delegation_id>/revocation")
@requires("delegations:write")
@DELEGATIONS.response(200, DelegationStateSchema)
def revoke(delegation_id: Any) -> dict[str, str]:
    """撤销委托, by either side, at once: no new token; one that is out ends within its life of 15 minutes. May be repeated."""
    require_oneself()
    with db.transaction() as tx:
        revoke_delegation(tx, principal().subject, str(delegation_id))
    return {"delegation_id": str(delegation_id), "state": "revoked"}
