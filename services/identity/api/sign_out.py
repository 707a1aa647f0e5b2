"""Logout that a client starts (OpenID Connect RP-Initiated Logout 1.0), and the files of the provider's pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Response, redirect, request, send_from_directory
from flask_smorest import Blueprint

from chassis.auth import public
from services.identity.adapters.tokens import ID_TOKEN
from services.identity.api.desk import desk
from services.identity.api.provider_desk import (
    browser,
    drop,
    keep,
    known_client,
    open_session,
    page,
    provider,
)
from services.identity.api.sign_in_pages import HTML, content_of, form_expired, not_possible
from services.identity.domain.oauth import OAuthClient, with_query
from services.identity.models import db
from services.identity.use_cases.end_sessions import end_whole_session

SIGN_OUT = Blueprint("sign_out", __name__, url_prefix="/oauth2", description="退出 / sign-out")
_STATIC = Path(__file__).parents[1] / "static"


@SIGN_OUT.route("/logout", methods=["GET", "POST"])
@public
@SIGN_OUT.response(200, content_type=HTML)
@SIGN_OUT.alt_response("4XX", description="the page that says why not", content_type=HTML)
def sign_out() -> Response:
    """退出: ends the sign-in, and what every client got by it. Without proof of who asks the person is asked first."""
    asked = (request.form if request.method == "POST" else request.args).to_dict()
    hint = desk().tokens.read(asked["id_token_hint"], ID_TOKEN) if "id_token_hint" in asked else {}
    client = None if hint is None else _client(asked, hint)
    if hint is None or (client is None and (asked.keys() & {"client_id", "id_token_hint"})):
        return not_possible("client_unknown", "未登记的应用。", "This application is not registered.")
    target = asked.get("post_logout_redirect_uri")
    if target is not None and (client is None or target not in client.post_logout_redirect_uris):
        return not_possible("redirect_uri_unknown", "返回地址未登记。", "The address to return to is not registered.")
    leads_to = "" if target is None else with_query(target, {"state": asked.get("state")})
    session = open_session()
    if session is None:
        return _done(leads_to)
    if session.session_id in {hint.get("sid"), asked.get("logout_hint")}:
        return _end(session, leads_to)
    secret = browser()
    sealed = provider().forms.seal("sign-out", secret, {"session": session.session_id, "to": leads_to})
    response = page("sign_out.html", leads_to=leads_to, name=session.name, form_token=sealed)
    keep(response, "browser", secret)
    return response


@SIGN_OUT.post("/logout/confirmation")
@public
@SIGN_OUT.response(200, content_type=HTML)
@SIGN_OUT.alt_response("4XX", description="the page that says why not", content_type=HTML)
def confirm_sign_out() -> Response:
    """确认退出."""
    content, session = content_of("sign-out"), open_session()
    if content is None:
        return form_expired()
    if session is None or session.session_id != content["session"]:
        return _done(content["to"])
    return _end(session, content["to"])


@SIGN_OUT.get("/static/provider.css")
@public
@SIGN_OUT.response(200, content_type="text/css")
def show_style() -> Response:
    """登录页的样式 / style of the sign-in pages."""
    return _file("provider.css")


@SIGN_OUT.get("/static/provider.js")
@public
@SIGN_OUT.response(200, content_type="text/javascript")
def show_script() -> Response:
    """通行密钥所用的脚本 / script of the passkeys."""
    return _file("provider.js")


def _file(name: str) -> Response:
    response = send_from_directory(_STATIC, name)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _client(asked: dict[str, str], hint: dict[str, Any]) -> OAuthClient | None:
    """The client that asks; None when it is not known, or not the one of the hint."""
    named = asked.get("client_id", hint.get("aud"))
    return known_client(named) if hint.get("aud", named) == named else None


def _end(session: Any, leads_to: str) -> Response:
    with db.transaction() as tx:
        end_whole_session(tx, session.session_id, provider().now())
    response = _done(leads_to)
    drop(response, "session")
    return response


def _done(leads_to: str) -> Response:
    return redirect(leads_to, 303) if leads_to else page("signed_out.html")  # type: ignore[return-value]
