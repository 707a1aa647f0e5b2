"""Who is signed in: the tokens and what they say, in a signed cookie that scripts cannot read (decision 0013)."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any, TypeVar

import msgspec
from flask import current_app, g, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from chassis.discovery import Directory
from portal.acting import acting_for, token_in_use
from portal.api import Api, Problem
from portal.relying_party import Begun, Granted, RelyingParty

View = TypeVar("View", bound=Callable[..., Any])

PORTAL, RELYING_PARTY = "tongban_portal", "tongban_relying_party"
_BEGUN = "begun"
MOST_UNDER_WAY = 3
RENEW_AFTER_S = 120
_OF_EVERYBODY = {"openid", "profile", "account:self"}
PERSON, OFFICER, SUPERVISOR = "person", "officer", "supervisor"


@dataclass(frozen=True)
class Visitor:
    """Who looks at the page. ``kind`` is empty for a stranger; ``department`` is an officer's.

    ``acting_for`` is the name of whom the visitor acts for under a delegation, empty for themselves.
    """

    name: str = ""
    kind: str = ""
    department: str = ""
    acting_for: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether the page is for somebody known."""
        return bool(self.kind)


def directory() -> Directory:
    """Where the gateway is."""
    found: Directory = current_app.extensions[PORTAL]
    return found


def relying_party() -> RelyingParty:
    """The portal, to the provider."""
    found: RelyingParty = current_app.extensions[RELYING_PARTY]
    return found


def visitor() -> Visitor:
    """Of this request. A token that has run out makes a stranger of its owner."""
    if "visitor" not in g:
        known = session.get("until", 0) > time.time()
        g.visitor = (
            Visitor(session["name"], session["kind"], session["department"], acting_for()) if known else Visitor()
        )
    found: Visitor = g.visitor
    return found


def api() -> Api:
    """The API for the visitor of this request, or for whom the visitor acts. Raises Problem when that has ended."""
    own = own_api()
    return Api(directory(), token_in_use(own)) if own.token is not None else own


def own_api() -> Api:
    """The API for the visitor themselves."""
    return Api(directory(), session["token"] if visitor().signed_in else None)


def begin_sign_in(wanted: str) -> Response:
    """To the provider, and back to ``wanted``. Several may be under way in one browser; the oldest is forgotten."""
    address, state, begun = relying_party().begin(wanted, session.get("language", "zh"))
    under_way = dict(session.get(_BEGUN, {}))
    while len(under_way) >= MOST_UNDER_WAY:
        under_way.pop(next(iter(under_way)))
    session[_BEGUN] = under_way | {state: asdict(begun)}
    return redirect(address, 303)


def take_begun(state: str) -> Begun | None:
    """What was kept for the sign-in that now comes back, once; None when this browser began none of the kind."""
    under_way = dict(session.get(_BEGUN, {}))
    kept = under_way.pop(state, None)
    session[_BEGUN] = under_way
    return None if kept is None else Begun(**kept)


def finish_sign_in(code: str, begun: Begun) -> None:
    """Redeem the code and remember who has signed in. Raises Problem."""
    granted = relying_party().redeem(Api(directory()), code, begun)
    same = bool(session.get("who")) and session["who"] == granted.claims["sub"]
    kept = {name: session[name] for name in ("language", *(["csrf_token"] if same else [])) if name in session}
    session.clear()  # nothing that a stranger left here goes on; a page that the same person still has open does
    session.update(kept)
    _remember(granted)


def sign_out() -> str:
    """Forget everything but the language. Where the browser goes to be signed out at the provider as well, or empty."""
    session_id, language = session.get("sid"), session.get("language")
    session.clear()
    if language:
        session["language"] = language
    g.pop("visitor", None)
    return relying_party().sign_out_address(session_id) if session_id else ""


def is_limited() -> bool:
    """Whether the visitor has to look after the account's locks before anything else: the token is good for nothing more."""
    return bool(session.get("limited"))


def renew_soon() -> None:
    """Before the next request, for its owner may do more than the token says by now."""
    session["since"] = 0.0


def renew() -> None:
    """Before a request of the visitor's own: a new access token long before the old one runs out, so that whoever writes for
    longer than it lasts loses nothing; the provider hears that its person is still there. A page that renews itself by the
    clock does not count.
    """
    refresh_token = session.get("refresh")
    if not refresh_token or time.time() < session["since"] + RENEW_AFTER_S or "HX-Request" in request.headers:
        return
    try:
        _remember(relying_party().refresh(Api(directory()), refresh_token))
    except Problem as problem:
        if problem.status == 400:
            forget_sign_in()
        elif session["until"] <= time.time():
            raise


def forget_sign_in() -> None:
    """It has ended at the provider: nothing is asked with its token any more. Who it was is remembered, for the way back."""
    for name in ("token", "refresh", "until", "since", "sid"):
        session.pop(name, None)
    g.pop("visitor", None)


def _remember(granted: Granted) -> None:
    claims = _claims(granted.access_token)
    now = time.time()
    session["token"], session["refresh"] = granted.access_token, granted.refresh_token
    session["since"], session["until"] = now, now + granted.expires_in - 5
    session["sid"], session["who"] = granted.claims.get("sid", ""), granted.claims["sub"]
    session["name"], session["kind"] = claims.get("name", ""), claims.get("kind", "")
    session["department"] = claims.get("dept", "")
    session["limited"] = set(claims["scope"].split()) <= _OF_EVERYBODY
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
    """To the sign-in page, and back afterwards: after a POST, to the page that it was sent from. What somebody wrote while
    their sign-in ended is kept in a page that sends it once more.
    """
    ended = bool(session.get("who")) and not visitor().signed_in
    if request.method == "POST" and ended and request.form and not request.files:
        said = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
        return make_response(render_template("again.html", said=said, wanted=url_for("account.signed_in")), 401)
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
