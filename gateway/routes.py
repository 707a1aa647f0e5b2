"""Which path belongs to which service, how much it may carry, how long it may take, and what needs no token.

Everything that is not in this table is refused: an unlisted path is 404, a path that is not ``public`` needs a token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chassis.auth import INTERNAL_KEYS_PATH
from chassis.errors import Refusal

MIB = 1 << 20
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PREFIXES = ("/api/", "/openapi/", "/oauth2/", "/.well-known/openid-configuration")

SERVICES = {
    "identity": "身份 / Identity",
    "catalog": "事项 / Service items",
    "workflow": "办件 / Cases",
    "documents": "材料与证照 / Materials and licences",
    "audit": "监督 / Supervision and audit",
}


@dataclass(frozen=True)
class Route:
    """``prefix`` is the path itself and everything below it, ``*`` in it one segment; the longest one wins.

    ``public`` lists ``METHOD path`` where ``*`` is one segment and ``**`` any number; GET includes HEAD. ``timeout_s`` is
    the longest silence of the service that is waited out. ``cookies``: they pass both ways, which the API has no use for.
    ``passes_authorization`` lists public ones whose service judges the client's own Authorization header, which reaches no
    other: a client's secret, or the very token that is asked about. ``waits``: an answer may take long without any trouble.
    """

    prefix: str
    service: str
    max_body_bytes: int = MIB
    timeout_s: float = 30.0
    public: tuple[str, ...] = ()
    cookies: bool = False
    passes_authorization: tuple[str, ...] = ()
    waits: bool = False
    _inner: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _public: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _passes: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        inner = re.compile(re.escape(self.prefix).replace(r"\*", "[^/]+") + r"(?:/|\Z)") if "*" in self.prefix else None
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_public", _any_of(self.public))
        object.__setattr__(self, "_passes", _any_of(self.passes_authorization))

    def covers(self, path: str) -> bool:
        """Whether ``path`` belongs to this route."""
        if self._inner is not None:
            return self._inner.match(path) is not None
        return path.startswith(self.prefix) and path[len(self.prefix) : len(self.prefix) + 1] in {"", "/"}

    def is_public(self, method: str, path: str) -> bool:
        """Whether the request needs no token."""
        return self._public.fullmatch(f"{method} {path}") is not None

    def takes_authorization(self, method: str, path: str) -> bool:
        """Whether the client's own Authorization header goes to the service."""
        return self._passes.fullmatch(f"{method} {path}") is not None


def _any_of(listed: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_pattern, listed)) or r"(?!)")


def _pattern(public: str) -> str:
    method, _, path = public.partition(" ")
    methods = "(?:GET|HEAD)" if method == "GET" else method
    return f"{methods} " + re.escape(path).replace(r"/\*\*", "(?:/.*)?").replace(r"\*", "[^/]+")


# fmt: off
ROUTES = (
    Route("/api/v1/tokens", "identity"),
    Route("/api/v1/ended-sessions", "identity", public=("GET /api/v1/ended-sessions",)),
    Route("/api/v1/jwks", "identity", public=("GET /api/v1/jwks",)),
    Route("/api/v1/relying-parties", "identity"),
    Route("/api/v1/origins", "identity", public=("GET /api/v1/origins",)),
    Route("/api/v1/signing-keys", "identity"),
    Route("/.well-known/openid-configuration", "identity", public=("GET /.well-known/openid-configuration",)),
    *(Route(f"/oauth2/{name}", "identity", public=(f"GET /oauth2/{name}", f"POST /oauth2/{name}"), cookies=True)
      for name in ("authorize", "sign-in", "second-factor", "consent", "passkey", "logout")),
    Route("/oauth2/passkey/options", "identity", public=("POST /oauth2/passkey/options",), cookies=True),
    Route("/oauth2/outside/go", "identity", public=("POST /oauth2/outside/go/*",), cookies=True),
    Route("/oauth2/outside/return", "identity", public=("GET /oauth2/outside/return/*",), cookies=True),
    Route("/oauth2/logout/confirmation", "identity", public=("POST /oauth2/logout/confirmation",), cookies=True),
    *(Route(f"/oauth2/{name}", "identity", public=(f"GET /oauth2/{name}", f"POST /oauth2/{name}"),
            passes_authorization=(f"GET /oauth2/{name}", f"POST /oauth2/{name}"))
      for name in ("token", "revoke", "introspect", "userinfo")),  # a client's secret, or the token that is asked about
    *(Route(f"/oauth2/static/{name}", "identity", public=(f"GET /oauth2/static/{name}",))
      for name in ("provider.css", "provider.js")),
    Route("/api/v1/departments", "identity", public=("GET /api/v1/departments",)),
    Route("/api/v1/parties", "identity"),
    Route("/api/v1/colleagues", "identity"),
    Route("/api/v1/account", "identity"),
    Route("/api/v1/accounts", "identity"),
    Route("/api/v1/clients", "identity"),
    Route("/api/v1/messages", "identity"),
    Route("/api/v1/message-preferences", "identity"),
    Route("/api/v1/my", "identity"),
    Route("/api/v1/delegations", "identity"),
    Route("/api/v1/guardianships", "identity"),
    Route("/api/v1/data-requests", "identity"),
    Route("/api/v1/developer-apps", "identity"),
    Route("/api/v1/developer-reviews", "identity"),
    Route("/api/v1/developer-keys", "identity"),

    Route("/api/v1/items", "catalog", public=("GET /api/v1/items/**",)),
    Route("/api/v1/item-drafts", "catalog"),
    Route("/api/v1/item-checks", "catalog"),
    Route("/api/v1/item-history", "catalog"),
    Route("/api/v1/packages", "catalog", public=("GET /api/v1/packages/**",)),
    Route("/api/v1/vocabulary", "catalog", public=("GET /api/v1/vocabulary",)),
    Route("/api/v1/catalog", "catalog", public=("GET /api/v1/catalog/**",)),
    Route("/api/v1/shared-resources", "catalog"),
    Route("/api/v1/sharing-applications", "catalog"),

    Route("/api/v1/drafts", "workflow"),
    Route("/api/v1/cases", "workflow"),
    Route("/api/v1/bundles", "workflow"),
    Route("/api/v1/packages/*/cases", "workflow"),
    Route("/api/v1/packages/*/drafts", "workflow"),
    Route("/api/v1/worklist", "workflow"),
    Route("/api/v1/appointments", "workflow"),
    Route("/api/v1/appointment-slots", "workflow", public=("GET /api/v1/appointment-slots",)),
    Route("/api/v1/estimates", "workflow", public=("GET /api/v1/estimates/*",)),
    Route("/api/v1/tasks", "workflow", timeout_s=60.0, waits=True),  # a department may wait for work

    Route("/api/v1/materials", "documents", max_body_bytes=50 * MIB),
    Route("/api/v1/document-keys", "documents", public=("GET /api/v1/document-keys",)),
    Route("/api/v1/licences", "documents", public=("GET /api/v1/licences/*",)),
    Route("/api/v1/licences/verification", "documents", max_body_bytes=6 * MIB,
          public=("POST /api/v1/licences/verification",)),
    Route("/api/v1/licence-ca", "documents", public=("GET /api/v1/licence-ca",)),
    Route("/api/v1/sandbox/licences", "documents", public=("GET /api/v1/sandbox/licences/**",)),

    Route("/api/v1/trails", "audit"),
    Route("/api/v1/ledger", "audit", public=("GET /api/v1/ledger/**",)),
    Route("/api/v1/cards", "audit"),
    Route("/api/v1/ratings", "audit"),
    Route("/api/v1/figures", "audit", public=("GET /api/v1/figures",)),
    Route("/api/v1/open-data", "audit", public=("GET /api/v1/open-data/**",)),
    Route("/api/v1/sandbox/open-data", "audit", public=("GET /api/v1/sandbox/open-data/**",)),
    Route("/api/v1/board", "audit"),
    Route("/api/v1/exchange", "audit"),
    Route("/api/v1/journal", "audit"),

    *(Route(f"/openapi/{name}.json", name, public=(f"GET /openapi/{name}.json",)) for name in SERVICES),
)
# fmt: on

# Whatever is neither the API nor a page of the gateway's own. The portal knows its visitors by a cookie of its own, and
# calls the API with their token like any other client.
PORTAL = Route("", "portal", max_body_bytes=51 * MIB, public=("GET /**", "POST /**"), cookies=True)
METRICS = "/metrics"
OWN_PAGES = frozenset(
    {"/docs", "/openapi.json", METRICS, "/status", "/health/live", "/health/ready", INTERNAL_KEYS_PATH}
)
OWN_STATIC = "/docs/static/"


# Where a secret may be guessed: counted by itself, and strictly.
STRICT = frozenset(("POST", f"/oauth2/{name}") for name in ("token", "sign-in", "second-factor", "passkey", "password"))


def is_strict(method: str, path: str) -> bool:
    """Whether somebody signs in there, or a client asks for a token."""
    return (method, path) in STRICT


def is_own_page(path: str) -> bool:
    """Whether the gateway itself answers there."""
    return path in OWN_PAGES or path.startswith(OWN_STATIC)


def _start(path: str) -> tuple[str, ...]:
    return tuple(path.split("/", 4)[1:4])


_BY_START: dict[tuple[str, ...], list[Route]] = {}
for _route in sorted(ROUTES, key=lambda route: -len(route.prefix)):
    _BY_START.setdefault(_start(_route.prefix), []).append(_route)


def find_route(path: str) -> Route:
    """The route of a canonical path. Raises Refusal ``route_unknown``."""
    for route in _BY_START.get(_start(path), ()):
        if route.covers(path):
            return route
    raise Refusal("route_unknown", "没有这个地址 / there is nothing at this address")
