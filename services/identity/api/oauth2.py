"""Endpoints for programs: tokens, revocation, introspection, userinfo, and the document that tells clients of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from flask import Response, jsonify, request
from flask_smorest import Blueprint

from chassis.auth import public
from chassis.errors import Refusal
from services.identity import queries
from services.identity.api.desk import desk
from services.identity.api.provider_desk import client_desk, known_client, provider, token_desk
from services.identity.domain.directory import Caller
from services.identity.domain.factors import ONE_FACTOR, TWO_FACTORS, TWO_FACTORS_ONE_CRYPTOGRAPHIC
from services.identity.domain.oauth import ABOUT_PEOPLE, API_SCOPES, OPENID, PROFILE, OAuthClient
from services.identity.domain.sensitive import Sensitive
from services.identity.use_cases.grant_tokens import (
    alive_refresh_token,
    grant_is_alive,
    redeem_code,
    refresh,
    revoke,
    subject_for,
)
from services.identity.use_cases.oauth_clients import (
    ASSERTION_ALGORITHMS,
    ASSERTION_TYPE,
    Credentials,
    authenticate,
    client_of_assertion,
)

OAUTH2 = Blueprint("oauth2", __name__, description="OpenID Connect")
NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
STATUS = {"invalid_client": 401, "busy": 503, "too_many_attempts": 429, "invalid_token": 401, "insufficient_scope": 403}


@OAUTH2.errorhandler(Refusal)
def refused(refusal: Refusal) -> Response:
    """RFC 6749 §5.2, and RFC 6750 §3 for what a bearer token opens."""
    error = {"busy": "temporarily_unavailable", "too_many_attempts": "temporarily_unavailable"}.get(
        refusal.code, refusal.code
    )
    answer = jsonify({"error": error, "error_description": refusal.detail})
    answer.status_code = STATUS.get(refusal.code, 400)
    answer.headers.update(NOT_STORED)
    if refusal.code in {"invalid_token", "insufficient_scope"}:
        answer.headers["WWW-Authenticate"] = f'Bearer error="{refusal.code}"'
    elif answer.status_code == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="tongban"'
    elif "retry_after_s" in refusal.facts:
        answer.headers["Retry-After"] = str(refusal.facts["retry_after_s"])
    return answer


@OAUTH2.get("/.well-known/openid-configuration")
@public
@OAUTH2.response(200)
@OAUTH2.alt_response("4XX", description="RFC 6749 §5.2", content_type="application/json")
def show_configuration() -> Any:
    """发现文档: OpenID Connect Discovery §3, RFC 8414."""
    here = provider()
    document = {
        "issuer": here.issuer,
        "authorization_endpoint": here.at("/oauth2/authorize"),
        "token_endpoint": here.at("/oauth2/token"),
        "userinfo_endpoint": here.at("/oauth2/userinfo"),
        "jwks_uri": here.at("/api/v1/jwks"),
        "revocation_endpoint": here.at("/oauth2/revoke"),
        "introspection_endpoint": here.at("/oauth2/introspect"),
        "end_session_endpoint": here.at("/oauth2/logout"),
        "scopes_supported": [*ABOUT_PEOPLE, *sorted(API_SCOPES)],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["pairwise", "public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": [*METHODS, "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [*METHODS, "none"],
        "introspection_endpoint_auth_methods_supported": list(METHODS),
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": [ONE_FACTOR, TWO_FACTORS, TWO_FACTORS_ONE_CRYPTOGRAPHIC],
        "claims_supported": ["sub", "name", "auth_time", "acr", "amr", "sid"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["zh-CN", "en"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
    return document, {"Cache-Control": "public, max-age=300"}


@OAUTH2.post("/oauth2/token")
@public
@OAUTH2.response(200)
@OAUTH2.alt_response("4XX", description="RFC 6749 §5.2", content_type="application/json")
def issue_tokens() -> Any:
    """令牌端点: grants ``authorization_code``, ``refresh_token`` and ``client_credentials``, as a form."""
    kind = _given("grant_type")
    if kind not in {"authorization_code", "refresh_token", "client_credentials"}:
        raise _refusal("unsupported_grant_type", "不支持的授权类型 / this grant type is not supported")
    client = _client(public_too=kind != "client_credentials")
    if kind == "client_credentials":
        return _of_system(client), NOT_STORED
    if client.department is not None:
        raise _refusal("unauthorized_client", "部门系统只能以自己的名义取得令牌 / a department's system has no users")
    here, now = token_desk(), provider().now()
    if kind == "authorization_code":
        code, address, verifier = _given("code"), _given("redirect_uri"), _given("code_verifier")
        return redeem_code(here, client, code=code, redirect_uri=address, verifier=verifier, now=now), NOT_STORED
    wanted = request.form.get("scope")
    return refresh(here, client, _given("refresh_token"), wanted.split() if wanted else None, now), NOT_STORED


@OAUTH2.post("/oauth2/revoke")
@public
@OAUTH2.response(200)
@OAUTH2.alt_response("4XX", description="RFC 6749 §5.2", content_type="application/json")
def revoke_token() -> Any:
    """撤销令牌: RFC 7009. Ends all that the client got together with the token."""
    client = _client(public_too=True)
    revoke(token_desk(), client, _given("token"), provider().now())
    return {}, NOT_STORED


@OAUTH2.post("/oauth2/introspect")
@public
@OAUTH2.response(200)
@OAUTH2.alt_response("4XX", description="RFC 6749 §5.2", content_type="application/json")
def introspect_token() -> Any:
    """核查令牌: RFC 7662. A client learns of its own tokens, one of the platform itself of all."""
    client, token = _client(public_too=False), _given("token")
    return _about(client, token) or {"active": False}, NOT_STORED


@OAUTH2.route("/oauth2/userinfo", methods=["GET", "POST"])
@public
@OAUTH2.response(200)
@OAUTH2.alt_response("4XX", description="RFC 6749 §5.2", content_type="application/json")
def show_user() -> Any:
    """用户信息: OpenID Connect Core §5.3. The token comes in the header, or in the form of a POST (RFC 6750 §2)."""
    claims = desk().tokens.read_access_token(_bearer())
    if claims is None or "grant" not in claims or not _is_alive(claims):
        raise _refusal("invalid_token", "访问令牌无效或已过期 / the access token is not valid, or has expired")
    scope = claims["scope"].split()
    if OPENID not in scope:
        raise _refusal("insufficient_scope", "需要 openid 权限 / the scope openid is required")
    grant = queries.grant_of(claims["grant"])
    client = known_client(claims["client_id"])
    account = None if grant is None else queries.account_of(grant.account_id)
    if grant is None or client is None or account is None:
        raise _refusal("invalid_token", "访问令牌无效或已过期 / the access token is not valid, or has expired")
    said = {"sub": subject_for(desk().vault, client, grant.account_id)}
    if PROFILE in scope:
        said["name"] = account.name
    return said, NOT_STORED


def _of_system(client: OAuthClient) -> dict[str, Any]:
    """RFC 6749 §4.4, for systems of departments."""
    if client.department is None:
        raise _refusal("unauthorized_client", "仅限部门系统 / for systems of departments only")
    caller = Caller(subject=client.client_id, name=client.name, kind=client.kind, department=client.department)
    return desk().tokens.issue(caller)


def _about(client: OAuthClient, token: str) -> dict[str, Any] | None:
    claims = desk().tokens.read_access_token(token)
    if claims is not None:
        owner = claims.get("client_id")
        if (owner != client.client_id and not client.first_party) or ("grant" in claims and not _is_alive(claims)):
            return None
        names = ("iss", "sub", "aud", "exp", "iat", "jti", "scope", "client_id", "sid", "acr")
        known = {name: claims[name] for name in names if name in claims}
        return {"active": True, "token_type": "Bearer", **known}
    row = alive_refresh_token(token_desk(), token, provider().now())
    if row is None or row.client_id != client.client_id:
        return None
    subject = subject_for(desk().vault, client, row.account_id)
    return {"active": True, "scope": row.scope, "client_id": row.client_id, "sub": subject, "iss": provider().issuer}


def _is_alive(claims: dict[str, Any]) -> bool:
    return grant_is_alive(claims["grant"], provider().staff_idle, provider().now())


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    if request.method == "POST" and (token := request.form.get("access_token", "")):
        return token
    raise _refusal("invalid_token", "需要访问令牌 / an access token is required")


def _client(*, public_too: bool) -> OAuthClient:
    return authenticate(client_desk(), _credentials(), public_too=public_too)


def _credentials() -> Credentials:
    """What the client showed, in one way only (RFC 6749 §2.3)."""
    basic, form = request.authorization, request.form
    ways = [basic is not None, "client_secret" in form, "client_assertion" in form]
    if sum(ways) > 1:
        raise _refusal("invalid_request", "客户端只能用一种方式认证 / authenticate the client in one way only")
    if basic is not None:
        if basic.type != "basic":
            raise _refusal("invalid_client", "客户端以 Basic 方式认证 / clients authenticate by the Basic scheme")
        # RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
        secret = Sensitive(unquote_plus(basic.password or ""))
        return Credentials(unquote_plus(basic.username or ""), secret=secret)
    if "client_assertion" in form:
        return _assertion()
    client_id, given = form.get("client_id"), form.get("client_secret")
    if not client_id:
        raise _refusal("invalid_client", "缺少客户端编号 / client_id is missing")
    return Credentials(client_id, secret=None if given is None else Sensitive(given))


def _assertion() -> Credentials:
    if _given("client_assertion_type") != ASSERTION_TYPE:
        raise _refusal("invalid_client", "不支持的断言类型 / this type of assertion is not supported")
    assertion = _given("client_assertion")
    client_id = client_of_assertion(assertion)
    if request.form.get("client_id", client_id) != client_id:
        raise _refusal("invalid_client", "client_id 与断言不符 / client_id is not that of the assertion")
    return Credentials(client_id, assertion=assertion)


def _given(name: str) -> str:
    """A parameter that has to be there, once (RFC 6749 §3.2)."""
    values = request.form.getlist(name)
    if len(values) != 1 or not values[0]:
        raise _refusal("invalid_request", f"须恰好给出一次 / give exactly once: {name}")
    return values[0]


def _refusal(error: str, detail: str) -> Refusal:
    return Refusal(error, detail, error=error)
