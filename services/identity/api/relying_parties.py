"""Clients of the provider, its keys, and what people let third parties have."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint
from marshmallow.validate import Length, OneOf, Regexp

from chassis.auth import principal, requires
from chassis.db import Tx
from services.identity import queries
from services.identity.api.desk import desk
from services.identity.api.own_account import once
from services.identity.api.provider_desk import provider
from services.identity.api.schemas import SensitiveField
from services.identity.domain.directory import CLIENT_ID, NAME, SECRET_LENGTH
from services.identity.domain.key_schedule import current
from services.identity.domain.oauth import AUTHENTICATIONS, LONGEST_ADDRESS
from services.identity.use_cases.keep_consents import take_consent_back
from services.identity.use_cases.keep_signing_keys import revoke_signing_key, rotate_signing_key
from services.identity.use_cases.oauth_clients import secret_hash
from services.identity.use_cases.register_relying_party import (
    RelyingParty,
    register_relying_party,
    remove_relying_party,
)

RELYING_PARTIES = Blueprint("relying_parties", __name__, url_prefix="/api/v1", description="应用、密钥与同意 / clients")


class RelyingPartySchema(ma.Schema):
    """A website or program of a third party that people sign in to."""

    client_id = ma.fields.String(required=True, validate=Regexp(CLIENT_ID))
    name = ma.fields.String(required=True, validate=Regexp(NAME))
    name_en = ma.fields.String(required=True, validate=Regexp(NAME))
    authentication = ma.fields.String(required=True, validate=OneOf(AUTHENTICATIONS))
    client_secret = SensitiveField(validate=Length(*SECRET_LENGTH), metadata={"description": "method client_secret"})
    jwks = ma.fields.Dict(metadata={"description": "public keys (RFC 7517), method private_key_jwt"})
    redirect_uris = ma.fields.List(ma.fields.String(validate=Length(max=LONGEST_ADDRESS)), required=True)
    post_logout_redirect_uris = ma.fields.List(ma.fields.String(validate=Length(max=LONGEST_ADDRESS)))
    backchannel_logout_uri = ma.fields.String(
        validate=Length(max=LONGEST_ADDRESS),
        allow_none=True,
        metadata={"description": "is told of the end of sign-ins (OpenID Connect Back-Channel Logout 1.0)"},
    )
    scope = ma.fields.List(ma.fields.String(validate=Length(max=64)), metadata={"description": "rights it may ask for"})


class RelyingPartyIdSchema(ma.Schema):
    """The client."""

    client_id = ma.fields.String(required=True)


class RegisteredSchema(RelyingPartySchema):
    """A client as it is registered; secrets and keys are not shown."""

    class Meta:
        """What nobody is told."""

        exclude = ("client_secret", "jwks")

    first_party = ma.fields.Boolean(required=True)
    keys_of = ma.fields.String(allow_none=True)
    registered_at = ma.fields.AwareDateTime(required=True)


class RelyingPartyListSchema(ma.Schema):
    """Every client, by id."""

    relying_parties = ma.fields.List(ma.fields.Nested(RegisteredSchema), required=True)


class SigningKeySchema(ma.Schema):
    """A key that signs tokens, without its private half."""

    key_id = ma.fields.String(required=True)
    signs_from = ma.fields.AwareDateTime(required=True)
    verifies_until = ma.fields.AwareDateTime(allow_none=True)
    revoked_at = ma.fields.AwareDateTime(allow_none=True)
    signs_now = ma.fields.Boolean(required=True)


class SigningKeyListSchema(ma.Schema):
    """Every key, those that are gone included for a month."""

    keys = ma.fields.List(ma.fields.Nested(SigningKeySchema), required=True)


class KeyIdSchema(ma.Schema):
    """A key."""

    key_id = ma.fields.String(required=True)


class ConsentSchema(ma.Schema):
    """A right that the caller lets a third party have."""

    client_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    scope = ma.fields.String(required=True)
    given_at = ma.fields.AwareDateTime(required=True)


class ConsentListSchema(ma.Schema):
    """All of them."""

    consents = ma.fields.List(ma.fields.Nested(ConsentSchema), required=True)


@RELYING_PARTIES.post("/relying-parties")
@requires("security:admin")
@RELYING_PARTIES.arguments(RelyingPartySchema)
@RELYING_PARTIES.response(201, RelyingPartyIdSchema)
def post_relying_party(body: dict[str, Any]) -> Any:
    """应用接入 (Idempotency-Key required)."""
    secret = body.pop("client_secret", None)
    for name in ("redirect_uris", "post_logout_redirect_uris", "scope"):
        body[name] = tuple(body.get(name, ()))
    party = RelyingParty(**body)
    hashed = None if secret is None else secret_hash(desk().vault, party.client_id, secret)

    def register(tx: Tx) -> dict[str, Any]:
        register_relying_party(tx, party, hashed, by=principal().subject)
        return {"client_id": party.client_id}

    return once(register)


@RELYING_PARTIES.get("/relying-parties")
@requires("security:admin")
@RELYING_PARTIES.response(200, RelyingPartyListSchema)
def show_relying_parties() -> dict[str, Any]:
    """应用清单."""
    return {"relying_parties": queries.list_relying_parties()}


@RELYING_PARTIES.post("/relying-parties/<client_id>/removal")
@requires("security:admin")
@RELYING_PARTIES.response(200, RelyingPartyIdSchema)
def post_relying_party_removal(client_id: str) -> Any:
    """停用应用: nobody signs in to it any more, and what it holds is worth nothing (Idempotency-Key required)."""

    def remove(tx: Tx) -> dict[str, Any]:
        remove_relying_party(tx, client_id, provider().now(), by=principal().subject)
        return {"client_id": client_id}

    return once(remove)


@RELYING_PARTIES.get("/signing-keys")
@requires("security:admin")
@RELYING_PARTIES.response(200, SigningKeyListSchema)
def show_signing_keys() -> dict[str, Any]:
    """签名密钥: past, present and next."""
    keys = [row.times for row in queries.signing_key_rows()]
    signing = current(keys, provider().now())
    return {
        "keys": [
            {
                "key_id": key.key_id,
                "signs_from": key.signs_from,
                "verifies_until": key.verifies_until,
                "revoked_at": key.revoked_at,
                "signs_now": key == signing,
            }
            for key in sorted(keys, key=lambda key: key.signs_from)
        ]
    }


@RELYING_PARTIES.post("/signing-keys")
@requires("security:admin")
@RELYING_PARTIES.response(201, KeyIdSchema)
def post_signing_key() -> Any:
    """更换签名密钥: a new key signs from now on; the old one still verifies (Idempotency-Key required)."""
    by = principal().subject
    answer = once(lambda tx: {"key_id": rotate_signing_key(tx, desk().vault, provider().now(), by=by)})
    desk().tokens.ring.forget()
    return answer


@RELYING_PARTIES.post("/signing-keys/<key_id>/revocation")
@requires("security:admin")
@RELYING_PARTIES.response(200, KeyIdSchema)
def post_revocation(key_id: str) -> Any:
    """紧急吊销签名密钥: nothing that it signed is believed any more (Idempotency-Key required)."""

    def end(tx: Tx) -> dict[str, Any]:
        revoke_signing_key(tx, desk().vault, key_id, provider().now(), by=principal().subject)
        return {"key_id": key_id}

    answer = once(end)
    desk().tokens.ring.forget()
    return answer


@RELYING_PARTIES.get("/account/consents")
@requires("account:self")
@RELYING_PARTIES.response(200, ConsentListSchema)
def show_consents() -> dict[str, Any]:
    """本人的授权: what third parties may have."""
    return {"consents": queries.list_consents(principal().subject)}


@RELYING_PARTIES.post("/account/consents/<client_id>/withdrawal")
@requires("account:self")
@RELYING_PARTIES.response(200, RelyingPartyIdSchema)
def post_consent_withdrawal(client_id: str) -> Any:
    """撤回授权: the third party's tokens end with it (Idempotency-Key required)."""

    def take_back(tx: Tx) -> dict[str, Any]:
        take_consent_back(tx, principal().subject, client_id, provider().now())
        return {"client_id": client_id}

    return once(take_back)
