"""What the provider's routes need: where they are, the browser's cookies, and pages that carry no script and no style."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chassis.discovery import Directory
from chassis.fetch import fetch_public
from chassis.service import Runtime
from services.identity.adapters.forms import Forms
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.desk import client_address, desk
from services.identity.domain.oauth import OAuthClient
from services.identity.use_cases.grant_tokens import TokenDesk
from services.identity.use_cases.oauth_clients import ClientDesk, find_client
from services.identity.use_cases.sign_in_sessions import Visit, find_open_session

PROVIDER = "identity.provider"
KEYS_PATH = "/sign-in/keys"
KEYS_KEPT_S = 30.0
LONGEST_COOKIE = 200
_TEMPLATES = Path(__file__).parents[1] / "templates"
_CSP = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)


class _KeysOf:
    """Public keys of other parts of the platform, kept for a while."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._kept: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def __call__(self, part: str) -> Mapping[str, Any]:
        """JWKS. Raises OSError when nobody answers."""
        kept_at, keys = self._kept.get(part, (float("-inf"), {}))
        if time.monotonic() - kept_at >= KEYS_KEPT_S:
            keys = fetch_public(self._directory, part, KEYS_PATH)
            self._kept[part] = time.monotonic(), keys
        return keys


@dataclass(frozen=True)
class Provider:
    """Made once per process. ``public_url`` has no slash at its end; ``now`` is the machine's clock."""

    public_url: str
    issuer: str
    forms: Forms
    staff_idle: timedelta
    keys_of: Callable[[str], Mapping[str, Any]]
    now: Callable[[], datetime] = machine_now

    @classmethod
    def of(cls, runtime: Runtime, forms: Forms) -> Provider:
        """As the installation has it set."""
        settings = runtime.settings
        idle = timedelta(seconds=settings.staff_idle_s)
        return cls(settings.public_url.rstrip("/"), settings.issuer, forms, idle, _KeysOf(runtime.directory))

    @property
    def secure(self) -> bool:
        """Whether people reach the platform over TLS."""
        return self.public_url.startswith("https:")

    def at(self, path: str) -> str:
        """Public address of ``path``."""
        return self.public_url + path

    def cookie_name(self, name: str) -> str:
        """``__Host-`` binds a cookie to this very host and to TLS; over http, on the own machine, it is not allowed."""
        return f"__Host-tongban-{name}" if self.secure else f"tongban-{name}"


def provider() -> Provider:
    """Of this process."""
    made: Provider = current_app.extensions["tongban"].parts[PROVIDER]
    return made


def client_desk() -> ClientDesk:
    """What authenticating clients takes."""
    made, here = desk(), provider()
    audiences = (here.issuer, here.at("/oauth2/token"))
    return ClientDesk(made.vault, made.passwords, here.public_url, audiences, here.keys_of)


def token_desk() -> TokenDesk:
    """What issuing tokens takes."""
    made = desk()
    door = made.door
    return TokenDesk(made.vault, made.tokens, door.passwords, provider().staff_idle, door.staff_second_factor)


def known_client(client_id: str | None) -> OAuthClient | None:
    """The client, or None."""
    return find_client(client_id or "", provider().public_url)


def visit(client_id: str | None) -> Visit:
    """Where the request comes from."""
    return Visit(client_id, client_address() or "", request.headers.get("User-Agent", ""))


def session_cookie() -> str | None:
    """The secret of the browser's sign-in."""
    return _cookie("session")


def open_session() -> Any | None:
    """The browser's sign-in, or None."""
    return find_open_session(desk().vault, session_cookie(), provider().staff_idle, provider().now())


def browser() -> str:
    """The secret by which this browser is known again before anybody has signed in; made at its first page."""
    return _cookie("browser") or secrets.token_urlsafe(24)


def known_browser() -> str | None:
    """The same, if the browser has one already."""
    return _cookie("browser")


def keep(response: Response, name: str, value: str) -> None:
    """Set a cookie that lasts as long as the browser is open, and that scripts and other sites' forms cannot use."""
    here = provider()
    response.set_cookie(here.cookie_name(name), value, path="/", secure=here.secure, httponly=True, samesite="Lax")


def drop(response: Response, name: str) -> None:
    """Forget a cookie."""
    here = provider()
    response.delete_cookie(here.cookie_name(name), path="/", secure=here.secure, httponly=True, samesite="Lax")


def page(template: str, status: int = 200, *, leads_to: str = "", **values: Any) -> Response:
    """A page. Its forms may end at ``leads_to`` too, the client's address: browsers hold redirects against form-action."""
    body = _PAGES.get_template(template).render(**values)
    response = Response(body, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = f"{_CSP} {_origin(leads_to)}".rstrip()
    response.headers["Cache-Control"] = "no-store"
    return response


def _origin(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:" if parts.scheme else ""
    return f"{parts.scheme}://{parts.netloc}"


def _cookie(name: str) -> str | None:
    value = request.cookies.get(provider().cookie_name(name))
    return value if value and len(value) <= LONGEST_COOKIE else None


_PAGES = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
