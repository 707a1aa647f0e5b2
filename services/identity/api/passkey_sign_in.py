"""Signing in with a passkey, at the first page instead of name and password or at the second instead of a code."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from chassis.auth import public
from chassis.errors import Refusal
from services.identity.api.authorization import enter_session
from services.identity.api.desk import desk
from services.identity.api.provider_desk import known_browser, provider
from services.identity.api.sign_in_pages import HTML, content_of, form_expired, not_possible, understood
from services.identity.use_cases.passkeys import Ceremonies, begin_passkey, finish_passkey

PASSKEY_SIGN_IN = Blueprint("passkey_sign_in", __name__, url_prefix="/oauth2", description="通行密钥登录 / passkeys")


@PASSKEY_SIGN_IN.post("/passkey/options")
@public
@PASSKEY_SIGN_IN.response(200)
def ask_for_passkey() -> Any:
    """通行密钥登录: options for the browser."""
    found = _passkey_page()
    if found is None:
        raise Refusal("form_expired", "页面已失效，请重新打开 / the page has expired, open it again")
    return begin_passkey(_ceremonies(), found.get("account")), {"Cache-Control": "no-store"}


@PASSKEY_SIGN_IN.post("/passkey")
@public
@PASSKEY_SIGN_IN.response(200, content_type=HTML)
@PASSKEY_SIGN_IN.alt_response("4XX", description="the page that says why not", content_type=HTML)
def enter_passkey() -> Response:
    """通行密钥登录: what the browser answered."""
    found = _passkey_page()
    asked = understood(found)
    if found is None or asked is None:
        return form_expired()
    try:
        account_id = finish_passkey(_ceremonies(), _json(request.form.get("credential", "")))
    except Refusal as refusal:
        text, _, text_en = refusal.detail.partition(" / ")
        return not_possible(refusal.code, text, text_en)
    if found.get("account", account_id) != account_id:
        return not_possible("passkey_invalid", "这是另一账号的通行密钥。", "This passkey is another account's.")
    return enter_session(asked, account_id, "passkey")


def _passkey_page() -> dict[str, Any] | None:
    """What the page of the sign-in, or of its second step, carries."""
    return content_of("sign-in") or content_of("second-factor")


def _ceremonies() -> Ceremonies:
    made = desk()
    return Ceremonies(made.vault, made.door.site, known_browser() or "", provider().now())


def _json(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        said = {}
    return said if isinstance(said, dict) else {}
