"""Who is signed in: the access token and what it says, in a signed cookie that scripts cannot read."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import msgspec
from flask import current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from chassis.discovery import Directory
from portal.api import Api, path

View = TypeVar("View", bound=Callable[..., Any])

PORTAL = "tongban_portal"
PERSON, OFFICER, SUPERVISOR = "person", "officer", "supervisor"


@dataclass(frozen=True)
class Visitor:
    """Who looks at the page. ``kind`` is empty for a stranger; ``department`` is an officer's."""

    name: str = ""
    kind: str = ""
    department: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether the page is for somebody known."""
        return bool(self.kind)


def directory() -> Directory:
    """Where the gateway is."""
    found: Directory = current_app.extensions[PORTAL]
    return found


def visitor() -> Visitor:
    """Of this request. A token that has run out makes a stranger of its owner."""
    if "visitor" not in g:
        known = session.get("until", 0) > time.time()
        g.visitor = Visitor(session["name"], session["kind"], session["department"]) if known else Visitor()
    found: Visitor = g.visitor
    return found


def api() -> Api:
    """The API for the visitor of this request."""
    return Api(directory(), session["token"] if visitor().signed_in else None)


def sign_in(username: str, password: str) -> None:
    """Ask for a token and remember it. Raises Problem ``invalid_grant``, ``too_many_attempts``."""
    answer = Api(directory()).call(
        "POST", path("tokens"), json={"grant_type": "password", "username": username, "password": password}
    )
    granted = answer.json()
    claims = _claims(granted["access_token"])
    language = session.get("language")
    session.clear()  # nothing that a stranger left here goes on
    if language:
        session["language"] = language
    session["token"] = granted["access_token"]
    session["until"] = time.time() + granted["expires_in"] - 5
    session["name"], session["kind"] = claims.get("name", ""), claims.get("kind", "")
    session["department"] = claims.get("dept", "")
    g.pop("visitor", None)


def sign_out() -> None:
    """Forget everything but the language."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    g.pop("visitor", None)


def for_kind(*kinds: str) -> Callable[[View], View]:
    """Only for these kinds of callers; others are asked to sign in, and come back to where they wanted to go."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs) if visitor().kind in kinds else ask_to_sign_in()

        return checked  # type: ignore[return-value]

    return decorate


def ask_to_sign_in() -> Response:
    """To the sign-in page, and back afterwards: after a POST, to the page that it was sent from."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else _page_above(request.path)
    return redirect(url_for("account.sign_in", next=wanted), 303)


def _page_above(address: str) -> str:
    """``address`` if it can be opened, else the nearest above it that can."""
    routes = current_app.create_url_adapter(request)
    assert routes is not None
    while address and not routes.test(address, "GET"):
        address = address.rpartition("/")[0]
    return address or "/"


def _claims(token: str) -> dict[str, Any]:
    """What the token says. It came from the API just now, and the gateway verifies it at every call."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
