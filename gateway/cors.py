"""Which sites' pages may call the API from a browser: those of registered clients, each with tokens of its own (CORS).

The API knows no cookies, so no answer ever allows credentials, and none allows every origin.
"""

from __future__ import annotations

from chassis.auth import Principal
from chassis.discovery import Directory
from chassis.errors import Refusal
from chassis.fetch import fetch_public
from gateway.headers import CORS, Environ, Headers
from gateway.survey import Kept

ORIGINS_PATH = "/api/v1/origins"
KEPT_S = 30.0

_VARY = ("Vary", "Origin")
_EXPOSED = ("Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-ID")
_PREFLIGHT: Headers = [
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Traceparent, X-Request-ID",
    ),
    ("Access-Control-Max-Age", "600"),
]


class Origins:
    """Sites of clients as identity knows them. While identity is away the last answer holds."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._clients: dict[str, frozenset[str]] = {}
        self._kept = Kept(KEPT_S, self._ask)

    def enter(self, environ: Environ) -> None:
        """A request to the API: if it comes from another site that is known, its answer may be read there."""
        environ[CORS] = [_VARY]
        own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
        if (origin := environ.get("HTTP_ORIGIN", own)) != own and origin in self._kept.get():
            environ[CORS] = [_VARY, ("Access-Control-Allow-Origin", origin), _EXPOSED]

    def know(self, environ: Environ, caller: Principal) -> None:
        """The caller is verified: what was given to another client is not for this site."""
        if len(environ[CORS]) > 1 and caller.client not in self._kept.get().get(environ["HTTP_ORIGIN"], ()):
            environ[CORS] = [_VARY]

    def preflight(self, environ: Environ) -> Headers:
        """What a browser is told that asks beforehand. Raises Refusal ``origin_not_registered``."""
        if len(environ[CORS]) < 2:
            raise Refusal(
                "origin_not_registered", "该网站不属于已登记的应用 / this site belongs to no registered client"
            )
        return _PREFLIGHT

    def _ask(self) -> dict[str, frozenset[str]]:
        try:
            listed = fetch_public(self._directory, "identity", ORIGINS_PATH)["origins"]
            self._clients = {origin: frozenset(clients) for origin, clients in listed.items()}
        except (OSError, KeyError, TypeError, AttributeError):
            pass
        return self._clients


def is_preflight(environ: Environ) -> bool:
    """Whether a browser asks what it may send (Fetch standard, CORS-preflight request)."""
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )
