"""Who is asking: tokens (ES256, JWKS), principals, and the scope that every route declares.

Identity signs access tokens for clients; the gateway verifies one and exchanges it for an internal token, which says the same
to one service for a minute. A service takes internal tokens for its own name and no others.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, g, request
from flask_smorest import Blueprint

from chassis.errors import Refusal
from chassis.public_keys import PublicKeys

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
AUDIENCE = "tongban"
ACCESS_TYPE = "at+jwt"  # RFC 9068 §2.1
INTERNAL_TYPE = "tongban-internal+jwt"
INTERNAL_ISSUER = "gateway"
INTERNAL_LIFE_S = 60
INTERNAL_KEYS_PATH = "/.well-known/internal-jwks.json"
ENDED_PATH = "/api/v1/ended-sessions"
_CLOCKS_DIFFER_S = 5.0
_CACHE_SIZE = 10_000


@dataclass(frozen=True)
class Actor:
    """Who really sits there when somebody else is represented (claim ``act``, RFC 8693 §4.1)."""

    subject: str
    name: str


@dataclass(frozen=True)
class Principal:
    """A verified caller. ``party`` is the person or organisation acted for; ``department`` is a code or None.

    ``level`` is the assurance of the identity, 2 to 5. ``items`` are the codes a delegation is limited to, None for all.
    ``client`` is the application that asks, ``session`` the sign-in that the token comes from, ``grant`` what the client was
    given in it.
    """

    subject: str
    name: str
    kind: str
    scopes: frozenset[str]
    party: str
    department: str | None
    level: int = 2
    actor: Actor | None = None
    items: frozenset[str] | None = None
    client: str | None = None
    session: str | None = None
    grant: str | None = None


class TokenVerifier:
    """Token -> Principal, with a small cache of verified tokens. Without more, for access tokens.

    ``longest_s`` is the longest life that a token may have left; None for any.
    """

    def __init__(
        self,
        keys: PublicKeys,
        issuer: str,
        *,
        audience: str = AUDIENCE,
        typ: str = ACCESS_TYPE,
        longest_s: float | None = None,
    ) -> None:
        self._keys, self._issuer, self._audience, self._typ = keys, issuer, audience, typ
        self._longest_s = longest_s
        self._cache: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._generation = 0
        self._lock = threading.Lock()

    def trouble(self) -> str | None:
        """None when tokens can be verified, else why not: a readiness check."""
        return self._keys.trouble()

    def principal(self, token: str) -> Principal:
        """The caller. Raises Refusal ``token_invalid`` or ``token_expired``."""
        return self.verified(token)[1]

    def verified(self, token: str) -> tuple[float, Principal]:
        """Until when the token is good (POSIX seconds), and the caller. Raises like ``principal``."""
        generation = self._keys.generation()
        with self._lock:
            if generation != self._generation:  # a key was revoked: what it signed has to be judged again
                self._cache.clear()
                self._generation = generation
            known = self._cache.get(token)
        if known is None:
            known = self._verify(token)
            with self._lock:
                self._cache[token] = known
                if len(self._cache) > _CACHE_SIZE:
                    self._cache.popitem(last=False)
        if known[0] <= time.time():
            raise Refusal("token_expired", "访问令牌已过期 / the access token has expired")
        return known

    def _verify(self, token: str) -> tuple[float, Principal]:
        claims = self._keys.verify_jwt(token, self._typ)
        try:
            if claims["iss"] != self._issuer or claims["aud"] != self._audience:
                raise Refusal("token_invalid", "令牌的签发者或受众不符 / the token is for another issuer or audience")
            until = float(claims["exp"])
            if self._longest_s is not None and until > time.time() + self._longest_s:
                raise Refusal("token_invalid", "令牌有效期过长 / the token lives too long")
            return until, principal_of(claims)
        except (KeyError, TypeError, ValueError) as error:
            raise Refusal("token_invalid", "令牌缺少必要的声明 / a required claim is missing") from error


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """The caller that verified claims describe. Raises KeyError, TypeError or ValueError."""
    actor, items = claims.get("act"), claims.get("items")
    return Principal(
        subject=str(claims["sub"]),
        name=str(claims["name"]),
        kind=str(claims["kind"]),
        scopes=frozenset(str(claims["scope"]).split()),
        party=str(claims.get("party") or claims["sub"]),
        department=claims.get("dept"),
        level=int(claims.get("level") or 2),
        actor=Actor(str(actor["sub"]), str(actor["name"])) if actor else None,
        items=frozenset(str(item) for item in items) if items is not None else None,
        client=claims.get("client_id"),
        session=claims.get("sid"),
        grant=claims.get("grant"),
    )


def claims_of(principal: Principal) -> dict[str, Any]:
    """The claims that ``principal_of`` reads; what is not known is left out."""
    actor, items = principal.actor, principal.items
    claims = {
        "sub": principal.subject,
        "name": principal.name,
        "kind": principal.kind,
        "scope": " ".join(sorted(principal.scopes)),
        "party": principal.party,
        "dept": principal.department,
        "level": principal.level,
        "act": {"sub": actor.subject, "name": actor.name} if actor else None,
        "items": sorted(items) if items is not None else None,
        "client_id": principal.client,
        "sid": principal.session,
        "grant": principal.grant,
    }
    return {name: value for name, value in claims.items() if value is not None}


def mark_of(name: str) -> str:
    """How the list of ended sessions names a session or a grant: whoever does not have it learns nothing."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def internal_tokens(keys: PublicKeys, service: str) -> TokenVerifier:
    """Verifier of the internal tokens for ``service``."""
    return TokenVerifier(
        keys, INTERNAL_ISSUER, audience=service, typ=INTERNAL_TYPE, longest_s=INTERNAL_LIFE_S + _CLOCKS_DIFFER_S
    )


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header. Raises Refusal ``token_missing``."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal("token_missing", "需要访问令牌 / an Authorization: Bearer token is required")
    return token.strip()


def requires(scope: str) -> Callable[[View], View]:
    """Let the route be called only with ``scope``; ``principal()`` is then the caller."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            verifier: TokenVerifier = current_app.extensions["tongban"].tokens
            caller = verifier.principal(bearer_token(request.headers.get("Authorization")))
            if scope not in caller.scopes:
                raise Refusal("scope_missing", f"缺少权限 {scope} / scope {scope} is required", scope=scope)
            g.principal = caller
            return view(*args, **kwargs)

        checked.scope = scope  # type: ignore[attr-defined]
        return Blueprint.doc(security=[{"bearer": [scope]}])(checked)  # type: ignore[no-any-return]

    return decorate


def public(view: View) -> View:
    """Declare that the route needs no token."""
    view.scope = PUBLIC  # type: ignore[attr-defined]
    return view


def principal() -> Principal:
    """The caller of the current request."""
    caller: Principal = g.principal
    return caller
