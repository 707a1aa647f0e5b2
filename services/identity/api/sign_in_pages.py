"""The pages of a sign-in, and what one carries to the next: the client's request, signed and for this browser alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from services.identity import queries
from services.identity.api.desk import desk
from services.identity.api.outside_desk import providers
from services.identity.api.provider_desk import browser, keep, known_browser, known_client, page, provider
from services.identity.domain.authorization_request import AuthorizationError, AuthorizationRequest, read_request
from services.identity.domain.oauth import EVERYTHING, OPENID, OAuthClient

HTML = "text/html"


@dataclass(frozen=True)
class Asked:
    """A request of a known client with an address that is its own, as it came (``raw``) and as it is understood.

    ``outside`` is the identity that its owner has proven at an outside provider and means to link; ``came`` is the provider
    that has let the person in, with the level that it speaks for, while a second factor is asked for.
    """

    raw: Mapping[str, str]
    client: OAuthClient
    wanted: AuthorizationRequest
    outside: Mapping[str, Any] | None = None
    came: Mapping[str, Any] | None = None

    def carried(self, **more: Any) -> dict[str, Any]:
        """What the next page has to know."""
        return {"q": dict(self.raw), "outside": self.outside, "came": self.came, **more}


def not_possible(code: str, text: str, text_en: str) -> Response:
    """Nobody to send the browser back to: an address that is not registered may be anybody's."""
    title = {"title": "无法继续", "title_en": "This is not possible"}
    return page("error.html", 400, **title, text=text, text_en=text_en, code=code)


def form_expired() -> Response:
    """A page that cannot be gone on from."""
    return page(
        "error.html",
        400,
        title="页面已失效",
        title_en="This page has expired",
        text="请回到原来的应用重新登录。",
        text_en="Go back to the application and sign in again.",
        code="form_expired",
    )


def sign_in_page(asked: Asked, status: int = 200, *, username: str | None = None, problem: str = "") -> Response:
    """User name and password, a passkey, or an outside provider."""
    shown = asked.wanted.login_hint[:100] if username is None else username
    return _form_page(
        "sign_in.html",
        asked,
        "sign-in",
        asked.carried(),
        status,
        username=shown,
        problem=problem,
        passkeys=desk().door.site is not None,
        outside=[one.provider for one in providers().values()] if asked.outside is None else [],
        linking=None if asked.outside is None else providers()[asked.outside["provider"]].provider,
    )


def second_factor_page(asked: Asked, account_id: str, status: int = 200, *, problem: str = "") -> Response:
    """The first factor was right; the second one."""
    content = asked.carried(account=account_id, at=provider().now().timestamp())
    return _form_page(
        "second_factor.html",
        asked,
        "second-factor",
        content,
        status,
        problem=problem,
        passkeys=desk().door.site is not None and "passkey" in queries.factors_of(account_id),
    )


def consent_page(asked: Asked, session: Any) -> Response:
    """What a third party would get."""
    content = {"q": dict(asked.raw), "session": session.session_id}
    wanted = [scope for scope in sorted(asked.wanted.scope) if scope not in {OPENID, EVERYTHING}]
    return _form_page("consent.html", asked, "consent", content, 200, scope=wanted, name=session.name)


def _form_page(
    template: str, asked: Asked, purpose: str, content: dict[str, Any], status: int, **values: Any
) -> Response:
    secret = browser()
    sealed = provider().forms.seal(purpose, secret, content)
    response = page(
        template, status, leads_to=asked.wanted.redirect_uri, client=asked.client, form_token=sealed, **values
    )
    keep(response, "browser", secret)
    return response


def content_of(purpose: str) -> dict[str, Any] | None:
    """What the page in hand carries; None when it is too old, of another browser, or made up."""
    return provider().forms.open(purpose, known_browser(), request.form.get("form_token", ""))


def understood(content: Mapping[str, Any] | None) -> Asked | None:
    """The request once more: since the page was shown the client, or the provider, may have been removed."""
    if content is None:
        return None
    raw, outside, came = content["q"], content.get("outside"), content.get("came")
    if any(said is not None and said["provider"] not in providers() for said in (outside, came)):
        return None
    client = known_client(raw.get("client_id"))
    if client is None or raw.get("redirect_uri") not in client.redirect_uris:
        return None
    try:
        return Asked(raw, client, read_request(raw, client, raw["redirect_uri"]), outside, came)
    except AuthorizationError:
        return None
