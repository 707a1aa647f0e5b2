"""Access tokens and the keys that verify them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from flask import request
from flask_smorest import Blueprint

from chassis.auth import public
from chassis.errors import Refusal
from services.identity.api.desk import client_address, desk
from services.identity.api.schemas import JwksSchema, TokenRequestSchema, TokenSchema
from services.identity.domain.directory import Caller
from services.identity.domain.sensitive import Sensitive
from services.identity.use_cases.authenticate_client import authenticate_client
from services.identity.use_cases.second_factor import needs_second
from services.identity.use_cases.sign_in import sign_in

TOKENS = Blueprint("tokens", __name__, url_prefix="/api/v1", description="访问令牌 / access tokens")
# OpenAPI has no name for "JSON or form"; the document shows the JSON body.
TOKENS.DEFAULT_LOCATION_CONTENT_TYPE_MAPPING = {"json_or_form": "application/json"}

NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
KEYS_STORED = {"Cache-Control": "public, max-age=300"}


@TOKENS.post("/tokens")
@public
@TOKENS.arguments(TokenRequestSchema, location="json_or_form")
@TOKENS.response(200, TokenSchema)
def issue_token(body: dict[str, Any]) -> Any:
    """取得令牌: grants ``password`` and ``client_credentials`` of RFC 6749, as JSON or as a form; clients also by HTTP Basic."""
    return desk().tokens.issue(_caller(body)), NOT_STORED


@TOKENS.get("/jwks")
@public
@TOKENS.response(200, JwksSchema)
def show_keys() -> Any:
    """令牌公钥: the public keys that verify access tokens."""
    return desk().tokens.jwks(), KEYS_STORED


def _caller(body: dict[str, Any]) -> Caller:
    _require(body, "grant_type")
    if body["grant_type"] == "password":
        return _person(body)
    if body["grant_type"] == "client_credentials":
        return _client(body)
    raise Refusal(
        "unsupported_grant_type",
        "仅支持 password 和 client_credentials / only password and client_credentials are supported",
        error="unsupported_grant_type",
    )


def _person(body: dict[str, Any]) -> Caller:
    _require(body, "username", "password")
    made = desk()
    door = made.door
    caller = sign_in(
        made.passwords,
        made.vault,
        body["username"],
        body["password"],
        datetime.now(UTC),
        address=client_address(),
        delays=door.delays,
        rules=door.passwords,
    )
    if needs_second(caller.subject, caller.kind, door.staff_second_factor):
        raise Refusal(
            "second_factor_required",
            "该账号须以双因素登录，请从登录页进入 / this account signs in with two factors, at the sign-in page",
        )
    return caller


def _client(body: dict[str, Any]) -> Caller:
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        # RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
        body = {
            "client_id": unquote_plus(basic.username or ""),
            "client_secret": Sensitive(unquote_plus(basic.password or "")),
        }
    _require(body, "client_id", "client_secret")
    return authenticate_client(desk().passwords, body["client_id"], body["client_secret"])


def _require(body: dict[str, Any], *names: str) -> None:
    if missing := [name for name in names if name not in body]:
        raise Refusal("invalid_request", f"缺少参数 / missing: {', '.join(missing)}", error="invalid_request")
