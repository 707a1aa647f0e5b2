"""Signing in with an outside identity: to the provider and back, and the links that an account's owner sees and ends."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
import structlog
from flask import Response, request
from flask_smorest import Blueprint

from chassis.auth import public, requires
from chassis.db import Tx
from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.outside_client import OutsideClient
from services.identity.adapters.outside_web import OutsideAway
from services.identity.api.authorization import enter_session
from services.identity.api.desk import desk
from services.identity.api.outside_desk import providers
from services.identity.api.own_account import once, own_account
from services.identity.api.provider_desk import browser, keep, known_browser, page, provider
from services.identity.api.sign_in_pages import (
    HTML,
    Asked,
    content_of,
    form_expired,
    second_factor_page,
    sign_in_page,
    understood,
)
from services.identity.domain.outside import OutsideError, OutsidePerson
from services.identity.domain.scopes import OWN_ACCOUNT
from services.identity.models import db
from services.identity.use_cases.outside_sign_in import begin_flow, find_account, secrets_of, take_flow, unlink
from services.identity.use_cases.sign_in import require_active

OUTSIDE_SIGN_IN = Blueprint("outside", __name__, description="外部身份登录 / signing in from outside")
LONGEST_ANSWER = 4000
log = structlog.get_logger()


class OutsideIdentitySchema(ma.Schema):
    """An identity at an outside provider. ``proven_by``: sign_in, number (equal and verified on both sides), opened."""

    provider = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    proven_by = ma.fields.String(required=True)
    linked_at = ma.fields.AwareDateTime(required=True)
    used_at = ma.fields.AwareDateTime(required=True)


class OutsideIdentityListSchema(ma.Schema):
    """All of the account's."""

    identities = ma.fields.List(ma.fields.Nested(OutsideIdentitySchema), required=True)


@OUTSIDE_SIGN_IN.post("/oauth2/outside/go/<provider_id>")
@public
@OUTSIDE_SIGN_IN.response(200, content_type=HTML)
@OUTSIDE_SIGN_IN.alt_response("4XX", description="the page that says why not", content_type=HTML)
def go_outside(provider_id: str) -> Response:
    """前往外部身份提供方: from the sign-in page to an outside provider."""
    client, content = providers().get(provider_id), content_of("sign-in")
    asked = understood(content)
    if client is None or asked is None or asked.outside is not None:
        return form_expired()
    here, secret = provider(), browser()
    with db.transaction() as tx:
        secrets = begin_flow(tx, desk().vault, provider=provider_id, browser=secret, asked=asked.raw, now=here.now())
    try:
        address = client.address(secrets)
    except (OutsideAway, OutsideError) as error:
        return _no_answer(asked, client, error)
    response = page("go_outside.html", provider=client.provider, address=address)
    keep(response, "browser", secret)
    return response


@OUTSIDE_SIGN_IN.get("/oauth2/outside/return/<provider_id>")
@public
@OUTSIDE_SIGN_IN.response(200, content_type=HTML)
@OUTSIDE_SIGN_IN.alt_response("4XX", description="the page that says why not", content_type=HTML)
def come_back(provider_id: str) -> Response:
    """从外部身份提供方返回."""
    client, said = providers().get(provider_id), _answered()
    if client is None or said is None:
        return form_expired()
    made, now = desk(), provider().now()
    with db.transaction() as tx:
        raw = take_flow(tx, made.vault, provider=provider_id, browser=known_browser(), state=said["state"], now=now)
    asked = understood(None if raw is None else {"q": raw})
    if asked is None:
        return form_expired()
    try:
        client.require_answerer(said.get("iss"))
        if "code" not in said:
            return sign_in_page(asked, problem="外部登录已取消 / signing in from outside was cancelled")
        person = client.redeem(said["code"], secrets_of(made.vault, said["state"]))
    except (OutsideAway, OutsideError) as error:
        return _no_answer(asked, client, error)
    return _enter(asked, client, person)


@OUTSIDE_SIGN_IN.get("/api/v1/account/outside-identities")
@requires(OWN_ACCOUNT)
@OUTSIDE_SIGN_IN.response(200, OutsideIdentityListSchema)
def show_identities() -> Any:
    """本人的外部身份: at which providers the account's owner is known."""
    known = {name: client.provider for name, client in providers().items()}
    return {
        "identities": [
            {
                "provider": row.provider,
                "name": known[row.provider].name if row.provider in known else row.provider,
                "name_en": known[row.provider].name_en if row.provider in known else row.provider,
                "proven_by": row.proven_by,
                "linked_at": row.linked_at,
                "used_at": row.used_at,
            }
            for row in queries.outside_identities_of(own_account())
        ]
    }


@OUTSIDE_SIGN_IN.post("/api/v1/account/outside-identities/<provider_id>/removal")
@requires(OWN_ACCOUNT)
@OUTSIDE_SIGN_IN.response(204)
def post_removal(provider_id: str) -> None:
    """解除关联: nobody comes in that way any more, and who has is out (Idempotency-Key required)."""

    def remove(tx: Tx) -> dict[str, Any]:
        unlink(tx, own_account(), provider_id, machine_now())
        return {"removed": provider_id}

    once(remove)


def _enter(asked: Asked, client: OutsideClient, person: OutsidePerson) -> Response:
    """Sign in whom the provider has vouched for, or ask who of ours it is."""
    with db.transaction() as tx:
        account_id = find_account(tx, desk().vault, client.provider, person, provider().now())
    if account_id is None:
        shown = Asked(asked.raw, asked.client, asked.wanted, {"provider": person.provider, "subject": person.subject})
        return sign_in_page(shown)
    try:
        require_active(queries.account_of(account_id))
    except Refusal as refusal:
        return sign_in_page(asked, 400, problem=refusal.detail)
    came = Asked(asked.raw, asked.client, asked.wanted, came={"provider": person.provider, "level": person.level})
    if queries.factors_of(account_id):
        return second_factor_page(came, account_id)
    return enter_session(came, account_id, "outside")


def _answered() -> dict[str, str] | None:
    """The answer's parameters, each at most once (RFC 6749 §3.1); None when there is no state to know it by."""
    if any(len(request.args.getlist(name)) != 1 for name in request.args):
        return None
    said = request.args.to_dict()
    whole = "state" in said and all(len(value) <= LONGEST_ANSWER for value in said.values())
    return said if whole else None


def _no_answer(asked: Asked, client: OutsideClient, error: OutsideAway | OutsideError) -> Response:
    """Back to the sign-in page; what was wrong is for the log."""
    log.warning("outside_sign_in_failed", provider=client.provider.provider_id, error=repr(error))
    name = client.provider
    problem = f"{name.name}未能确认您的身份，请稍后再试 / {name.name_en} could not confirm who you are, try again later"
    return sign_in_page(asked, 400, problem=problem)
