"""What verifiers of tokens ask for: the keys that verify access tokens, and the sessions whose tokens are good no more."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from flask_smorest import Blueprint

from chassis.auth import mark_of, public
from services.identity import queries
from services.identity.api.desk import desk
from services.identity.api.provider_desk import provider
from services.identity.api.schemas import EndedSessionsSchema, JwksSchema
from services.identity.domain.oauth import TOKENS_GONE_AFTER

TOKENS = Blueprint("tokens", __name__, url_prefix="/api/v1", description="访问令牌 / access tokens")

KEYS_STORED = {"Cache-Control": "public, max-age=300"}


@TOKENS.get("/jwks")
@public
@TOKENS.response(200, JwksSchema)
def show_keys() -> Any:
    """令牌公钥: the public keys that verify access tokens."""
    return desk().tokens.jwks(), KEYS_STORED


@TOKENS.get("/ended-sessions")
@public
@TOKENS.response(200, EndedSessionsSchema)
def show_ended() -> Response:
    """已结束的会话: hashes of sessions and grants whose tokens may still be out; ask with ``If-None-Match``."""
    ended = queries.ended_since(provider().now() - TOKENS_GONE_AFTER)
    answer = jsonify({"ended": sorted(map(mark_of, ended))})
    answer.add_etag()
    answer.headers["Cache-Control"] = "no-cache"
    return answer.make_conditional(request)  # type: ignore[return-value]
