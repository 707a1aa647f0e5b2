"""Signing in as a program does it: authorization code with PKCE, over the provider's own form (RFC 8252).

Three requests, and nothing but HTTP: ask for the form, send it, redeem the code. The client is public, of the platform itself,
and comes back to an address of the own machine, where nobody has to listen: the code stands in the redirect.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT_ID = "tongban-program"
RETURNS_TO = "http://127.0.0.1/signed-in"
SCOPE = "openid tongban"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_FORM_TOKEN = re.compile(rb'name="form_token" value="([^"]+)"')

Send = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""(method, path with query, headers, body) -> (status, headers, body); no redirect is followed."""


class SignInRefused(Exception):
    """The provider did not let the account in. ``status`` is its answer's."""

    def __init__(self, step: str, status: int, said: bytes) -> None:
        super().__init__(f"{step}: {status} {said.decode(errors='replace')[:500]}")
        self.status = status


def sign_in(send: Send, username: str, password: str) -> dict[str, Any]:
    """Token response. Raises SignInRefused."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    token, cookie = _ask_for_form(send, verifier, state)
    code = _send_form(send, {"form_token": token, "username": username, "password": password}, cookie, state)
    fields = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": code,
        "redirect_uri": RETURNS_TO,
        "code_verifier": verifier,
    }
    status, _, said = send("POST", "/oauth2/token", FORM, urlencode(fields).encode())
    if status != 200:
        raise SignInRefused("token", status, said)
    granted: dict[str, Any] = json.loads(said)
    return granted


def _ask_for_form(send: Send, verifier: str, state: str) -> tuple[str, str]:
    """What the form carries, and the cookie of the browser that this is."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": RETURNS_TO,
        "scope": SCOPE,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    status, headers, page = send("GET", f"/oauth2/authorize?{urlencode(asked)}", {}, b"")
    found, cookie = _FORM_TOKEN.search(page), headers.get("Set-Cookie", "").partition(";")[0]
    if status != 200 or found is None or not cookie:
        raise SignInRefused("authorize", status, page)
    return html.unescape(found[1].decode()), cookie


def _send_form(send: Send, fields: dict[str, str], cookie: str, state: str) -> str:
    """The code."""
    status, headers, page = send("POST", "/oauth2/sign-in", FORM | {"Cookie": cookie}, urlencode(fields).encode())
    came_to = headers.get("Location", "")
    said = parse_qs(urlsplit(came_to).query)
    if status != 303 or not came_to.startswith(RETURNS_TO) or said.get("state") != [state] or "code" not in said:
        raise SignInRefused("sign-in", status, came_to.encode() or page)
    return said["code"][0]
