"""Who is asking: tokens (ES256, JWKS), principals, and the scope that every route declares.

Identity signs access tokens for clients; the gateway verifies one and exchanges it for an internal token, which says the same
to one service for a minute. A service takes internal tokens for its own name and no others.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from flask import current_app, g, request
from flask_smorest import Blueprint
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.errors import Refusal

Value = TypeVar("Value")
View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
AUDIENCE = "tongban"
ACCESS_TYPE = "at+jwt"  # RFC 9068 §2.1
INTERNAL_TYPE = "tongban-internal+jwt"
INTERNAL_ISSUER = "gateway"
INTERNAL_LIFE_S = 60
INTERNAL_KEYS_PATH = "/.well-known/internal-jwks.json"
_CLOCKS_DIFFER_S = 5.0
_CACHE_SIZE = 10_000
_REFETCH_S = 5.0
_RENEWED_S = 30.0
# A token may name a key that is known; one that brings its own, or says where to fetch it, is refused (RFC 8725 §3.10).
_BROUGHT_KEYS = {"jwk", "jku", "x5c", "x5u"}
# joserfc trips over headers that are JSON but not a header, such as {"crit": 1}.
_UNREADABLE = (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


@dataclass(frozen=True)
class Actor:
    """Who really sits there when somebody else is represented (claim ``act``, RFC 8693 §4.1)."""

    subject: str
    name: str


@dataclass(frozen=True)
class Principal:
    """A verified caller. ``party`` is the person or organisation acted for; ``department`` is a code or None.

    ``level`` is the assurance of the identity, 2 to 5. ``items`` are the codes a delegation is limited to, None for all.
    ``client`` is the application that asks, ``session`` the sign-in that the token comes from.
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


class PublicKeys:
    """A JWKS, fetched when first needed and again when an unknown key id turns up, at most every few seconds.

    With ``remembered``, a file, the last known keys outlive the process: whoever starts under load need not first ask the
    keys' owner, who may be waiting for it.
    """

    def __init__(self, fetch: Callable[[], Mapping[str, Any]], remembered: Path | None = None) -> None:
        self._fetch, self._remembered = fetch, remembered
        self._lock = threading.Lock()
        self._keys: KeySet | None = _recall(remembered) if remembered else None
        self._ids: frozenset[str] = frozenset(str(key.kid) for key in self._keys.keys) if self._keys else frozenset()
        self._generation = 0
        self._asked_at = 0.0

    def trouble(self) -> str | None:
        """None when keys are known or can be had now, else what is wrong. A readiness check that also gets them early."""
        try:
            self._current(0.0)
        except (OSError, *_UNREADABLE) as error:
            return repr(error)
        return None

    def verify_jws(self, token: str) -> bytes:
        """Payload of a compact ES256 JWS. Raises Refusal ``token_invalid``, or OSError when no key can be had."""
        return self._with_keys(lambda keys: jws.deserialize_compact(token, keys, algorithms=["ES256"]).payload)

    def verify_jwt(self, token: str, typ: str) -> dict[str, Any]:
        """Claims of an ES256 JWT whose header says ``typ``, times not yet checked. Raises like ``verify_jws``."""
        verified = self._with_keys(lambda keys: jwt.decode(token, keys, algorithms=["ES256"]))
        if verified.header.get("typ") != typ or _BROUGHT_KEYS & verified.header.keys():
            raise Refusal("token_invalid", "令牌的类型不符 / this is another kind of token")
        return dict(verified.claims)

    def _with_keys(self, use: Callable[[KeySet], Value]) -> Value:
        try:
            return use(self._current(0.0))
        except _UNREADABLE:
            pass
        try:
            return use(self._current(_REFETCH_S))
        except _UNREADABLE as error:
            raise Refusal("token_invalid", "签名验证不通过 / the signature does not verify") from error

    def _current(self, max_age_s: float) -> KeySet:
        """The key set; fetched if there is none, or if ``max_age_s`` is given and the last attempt is older.

        Fetched outside the lock, and a failed attempt leaves the known keys: forged tokens must not stop good ones while
        the keys' owner is away.
        """
        with self._lock:
            known, age_s = self._keys, time.monotonic() - self._asked_at
            if known is not None and not (max_age_s and age_s > max_age_s):
                return known
            self._asked_at = time.monotonic()
        try:
            published = self._fetch()
        except OSError:
            if known is None:
                raise
            return known
        return self._take(published)

    def generation(self) -> int:
        """Grows whenever a key is gone that was there before. Asked for in passing: an answer older than half a minute is
        replaced in the background.
        """
        with self._lock:
            known = self._generation
            if self._keys is None or time.monotonic() - self._asked_at <= _RENEWED_S:
                return known
            self._asked_at = time.monotonic()
        threading.Thread(target=self.renew, name="keys", daemon=True).start()
        return known

    def renew(self) -> None:
        """Fetch the keys again; while that fails, the known ones stay."""
        with suppress(OSError, *_UNREADABLE):
            self._take(self._fetch())

    def _take(self, published: Mapping[str, Any]) -> KeySet:
        fetched = KeySet.import_key_set(published)  # type: ignore[arg-type]
        ids = frozenset(str(key.kid) for key in fetched.keys)
        with self._lock:
            if self._ids - ids:
                self._generation += 1
            self._keys, self._ids = fetched, ids
        if self._remembered:
            _remember(self._remembered, published)
        return fetched


def _recall(file: Path) -> KeySet | None:
    try:
        return KeySet.import_key_set(json.loads(file.read_bytes()))
    except (OSError, *_UNREADABLE):
        return None


def _remember(file: Path, published: Mapping[str, Any]) -> None:
    """Whole or not at all; where the disk does not take it, the next process asks again."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(published))
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)


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
    }
    return {name: value for name, value in claims.items() if value is not None}


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
