"""The authorization endpoint and the pages that it leads to: sign in, second factor, consent. No page needs a script.

A page carries the client's request to the next one, signed and for this browser alone; the request is judged anew each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Response, redirect, request
from flask_smorest import Blueprint

from chassis.auth import public
from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.tokens import ID_TOKEN
from services.identity.api.desk import client_address, desk
from services.identity.api.provider_desk import keep, known_client, open_session, provider, visit
from services.identity.api.sign_in_pages import (
    HTML,
    Asked,
    consent_page,
    content_of,
    form_expired,
    not_possible,
    second_factor_page,
    sign_in_page,
    understood,
)
from services.identity.domain.authorization_request import (
    AuthorizationError,
    AuthorizationRequest,
    read_request,
    state_of,
)
from services.identity.domain.factors import ONE_FACTOR, acr_of, amr_of
from services.identity.domain.oauth import with_query
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db
from services.identity.use_cases.grant_tokens import grant_code, subject_for
from services.identity.use_cases.keep_consents import give_consent
from services.identity.use_cases.outside_sign_in import link
from services.identity.use_cases.sandbox_accounts import fits_client
from services.identity.use_cases.second_factor import factors_of, verify_recovery, verify_totp
from services.identity.use_cases.sign_in import sign_in
from services.identity.use_cases.sign_in_sessions import start_session

AUTHORIZATION = Blueprint(
    "authorization", __name__, url_prefix="/oauth2", description="登录与授权 / sign-in and consent"
)
LONGEST_INPUT = 1000
PASSWORD_REMEMBERED = timedelta(minutes=5)
"""How long a right password waits for the second factor."""


@AUTHORIZATION.route("/authorize", methods=["GET", "POST"])
@public
@AUTHORIZATION.response(200, content_type=HTML)
@AUTHORIZATION.alt_response("4XX", description="the page that says why not", content_type=HTML)
def authorize() -> Response:
    """授权端点: OpenID Connect Core §3.1.2, with PKCE (S256) for every client."""
    came = request.form if request.method == "POST" else request.args
    repeated = {name for name in came if len(came.getlist(name)) > 1}
    return _answer(came.to_dict(), repeated)


@AUTHORIZATION.post("/sign-in")
@public
@AUTHORIZATION.response(200, content_type=HTML)
@AUTHORIZATION.alt_response("4XX", description="the page that says why not", content_type=HTML)
def enter_password() -> Response:
    """登录: user name and password."""
    content = content_of("sign-in")
    asked = understood(content)
    if asked is None:
        return form_expired()
    username, password = _typed("username").strip(), _typed("password")
    if not username or not password:
        return sign_in_page(asked, 422, username=username, problem="请填写用户名和密码 / enter user name and password")
    made, now = desk(), provider().now()
    try:
        caller = sign_in(
            made.passwords,
            made.vault,
            Sensitive(username),
            Sensitive(password),
            now,
            address=client_address(),
            delays=made.door.delays,
            rules=made.door.passwords,
        )
    except Refusal as refusal:
        return _again(sign_in_page(asked, _status(refusal), username=username, problem=refusal.detail), refusal)
    if factors_of(caller.subject):
        return second_factor_page(asked, caller.subject)
    return enter_session(asked, caller.subject, "password")


@AUTHORIZATION.post("/second-factor")
@public
@AUTHORIZATION.response(200, content_type=HTML)
@AUTHORIZATION.alt_response("4XX", description="the page that says why not", content_type=HTML)
def enter_code() -> Response:
    """第二因素: a one-time code, or a recovery code."""
    content = content_of("second-factor")
    asked = understood(content)
    now = provider().now()
    if content is None or asked is None or now.timestamp() - content["at"] > PASSWORD_REMEMBERED.total_seconds():
        return form_expired()
    account_id, code, vault = content["account"], _typed("code").strip(), desk().vault
    method = "totp" if code.isdigit() and len(code) <= 8 else "recovery"
    verify = verify_totp if method == "totp" else verify_recovery
    try:
        right = verify(vault, account_id, code, now, address=client_address(), delays=desk().door.delays)
    except Refusal as refusal:
        return _again(second_factor_page(asked, account_id, _status(refusal), problem=refusal.detail), refusal)
    if not right:
        return second_factor_page(asked, account_id, 400, problem="验证码有误 / the code is wrong")
    return enter_session(asked, account_id, "password" if asked.came is None else "outside", method)


@AUTHORIZATION.post("/consent")
@public
@AUTHORIZATION.response(200, content_type=HTML)
@AUTHORIZATION.alt_response("4XX", description="the page that says why not", content_type=HTML)
def decide() -> Response:
    """同意授权: what a third party may have."""
    content, session = content_of("consent"), open_session()
    asked = understood(content)
    if content is None or asked is None or session is None or session.session_id != content["session"]:
        return form_expired()
    if request.form.get("decision") != "allow":
        return _refuse(asked.raw, asked.wanted.redirect_uri, "access_denied", "the person said no")
    with db.transaction() as tx:
        give_consent(tx, session.account_id, asked.client.client_id, asked.wanted.scope, provider().now())
    return _give_code(asked, session)


def enter_session(asked: Asked, account_id: str, *methods: str) -> Response:
    """The account has signed in by these methods: a session, and on with the request. Whom somebody has proven to be outside
    is linked first.
    """
    here, earlier = provider(), open_session()
    came = asked.came if "outside" in methods else None
    try:
        with db.transaction() as tx:
            if asked.outside is not None:
                came_as = asked.outside["provider"], asked.outside["subject"]
                link(tx, *came_as, account_id, proven_by="sign_in", now=here.now())
            session_id, cookie = start_session(
                tx,
                desk().vault,
                account_id=account_id,
                amr=amr_of(*methods),
                visit=visit(asked.client.client_id),
                earlier=earlier,
                now=here.now(),
                outside=None if came is None else came["provider"],
                level_cap=None if came is None else came["level"],
            )
    except Refusal as refusal:
        text, _, text_en = refusal.detail.partition(" / ")
        return not_possible(refusal.code, text, text_en)
    response = _advance(replace(asked, outside=None, came=None), queries.session_of(session_id), just_signed_in=True)
    keep(response, "session", cookie)
    return response


def _answer(raw: dict[str, str], repeated: set[str]) -> Response:
    client = known_client(raw.get("client_id"))
    if client is None or "client_id" in repeated:
        return not_possible("client_unknown", "未登记的应用。", "This application is not registered.")
    address = raw.get("redirect_uri")
    if address is None or address not in client.redirect_uris or "redirect_uri" in repeated:
        return not_possible(
            "redirect_uri_unknown",
            "返回地址未登记。",
            "The address to return to is not registered for this application.",
        )
    if repeated:
        return _refuse(raw, address, "invalid_request", "a parameter is given twice")
    try:
        asked = Asked(raw, client, read_request(raw, client, address))
        return _advance(asked, open_session(), just_signed_in=False)
    except AuthorizationError as error:
        return _refuse(raw, address, error.error, error.description)


def _advance(asked: Asked, session: Any | None, *, just_signed_in: bool) -> Response:
    """A code if nothing is missing any more, else the page that asks for it, or the error that says so."""
    try:
        if session is None or not _is_whom_the_client_means(asked, session, just_signed_in=just_signed_in):
            return _ask(asked, "login_required") or sign_in_page(asked)
        if not asked.client.first_party and _consent_missing(asked, session):
            return _ask(asked, "consent_required") or consent_page(asked, session)
    except AuthorizationError as error:
        return _refuse(asked.raw, asked.wanted.redirect_uri, error.error, error.description)
    return _give_code(asked, session)


def _is_whom_the_client_means(asked: Asked, session: Any, *, just_signed_in: bool) -> bool:
    """Whether this sign-in will do: the person, and how well that is proven."""
    wanted = asked.wanted
    if not fits_client(wanted.client_id, session.account_id, session.kind):
        if just_signed_in:
            raise AuthorizationError("access_denied", "a sandbox takes its own test accounts, and no other client does")
        return False
    if wanted.id_token_hint is not None:
        claims = desk().tokens.read(wanted.id_token_hint, ID_TOKEN)
        if claims is None or claims.get("aud") != wanted.client_id:
            raise AuthorizationError("invalid_request", "id_token_hint was not issued to this client")
        if claims["sub"] != subject_for(desk().vault, asked.client, session.account_id):
            if just_signed_in:
                raise AuthorizationError("login_required", "somebody else has signed in than id_token_hint says")
            return False
    return just_signed_in or _still_good_enough(wanted, session)


def _still_good_enough(wanted: AuthorizationRequest, session: Any) -> bool:
    """Whether a sign-in of earlier will do: how long ago it was, and by what it was proven."""
    if wanted.prompt & {"login", "select_account"}:
        return False
    if wanted.max_age_s is not None and provider().now() - session.auth_time >= timedelta(seconds=wanted.max_age_s):
        return False
    more = any(acr != ONE_FACTOR for acr in wanted.acr_values) and acr_of(session.amr) == ONE_FACTOR
    return not (more and factors_of(session.account_id))


def _consent_missing(asked: Asked, session: Any) -> bool:
    known = queries.consented(session.account_id, asked.client.client_id)
    return "consent" in asked.wanted.prompt or bool(asked.wanted.scope - known)


def _ask(asked: Asked, error: str) -> Response | None:
    """The error that stands for a page which the client does not want to be shown."""
    if "none" not in asked.wanted.prompt:
        return None
    return _refuse(asked.raw, asked.wanted.redirect_uri, error, "prompt=none")


def _give_code(asked: Asked, session: Any) -> Response:
    scope = sorted(asked.wanted.scope)
    with db.transaction() as tx:
        code = grant_code(tx, desk().vault, asked=asked.wanted, session=session, scope=scope, now=provider().now())
    return _send_back(asked.wanted.redirect_uri, {"code": code, "state": asked.wanted.state})


def _refuse(raw: Mapping[str, str], redirect_uri: str, error: str, description: str) -> Response:
    return _send_back(redirect_uri, {"error": error, "error_description": description, "state": state_of(raw)})


def _send_back(redirect_uri: str, said: Mapping[str, str | None]) -> Response:
    """To the client, with ``iss`` (RFC 9207) so that it knows which provider answers."""
    answer = redirect(with_query(redirect_uri, {**said, "iss": provider().issuer}), 303)
    answer.headers["Cache-Control"] = "no-store"
    return answer  # type: ignore[return-value]


def _typed(name: str) -> str:
    return request.form.get(name, "")[:LONGEST_INPUT]


def _again(page: Response, refusal: Refusal) -> Response:
    """The page, for programs with when to come back."""
    if "retry_after_s" in refusal.facts:
        page.headers["Retry-After"] = str(refusal.facts["retry_after_s"])
    return page


def _status(refusal: Refusal) -> int:
    return {"too_many_attempts": 429, "busy": 503}.get(refusal.code, 400)
