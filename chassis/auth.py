"""Who is asking: access tokens (ES256, JWKS), principals, and the scope that every route declares."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
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
_CACHE_SIZE = 10_000
_REFETCH_S = 5.0
# joserfc trips over headers that are JSON but not a header, such as {"crit": 1}.
_UNREADABLE = (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


@dataclass(frozen=True)
class Principal:
    """A verified caller. ``party`` is the person or organisation acted for; ``department`` is a code or None."""

    subject: str
    name: str
    kind: str
    scopes: frozenset[str]
    party: str
    department: str | None


class PublicKeys:
    """A JWKS, fetched when first needed and again when an unknown key id turns up, at most every few seconds."""

    def __init__(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._asked_at = 0.0

    def verify_jws(self, token: str) -> bytes:
        """Payload of a compact ES256 JWS. Raises Refusal ``token_invalid``, or OSError when no key can be had."""
        return self._with_keys(lambda keys: jws.deserialize_compact(token, keys, algorithms=["ES256"]).payload)

    def verify_jwt(self, token: str) -> dict[str, Any]:
        """Claims of an ES256 JWT, times not yet checked. Raises like ``verify_jws``."""
        return self._with_keys(lambda keys: dict(jwt.decode(token, keys, algorithms=["ES256"]).claims))

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
            fetched = KeySet.import_key_set(self._fetch())  # type: ignore[arg-type]
        except OSError:
            if known is None:
                raise
            return known
        with self._lock:
            self._keys = fetched
        return fetched


class TokenVerifier:
    """Access token -> Principal, with a small cache of verified tokens."""

    def __init__(self, keys: PublicKeys, issuer: str) -> None:
        self._keys, self._issuer = keys, issuer
        self._cache: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._lock = threading.Lock()

    def principal(self, token: str) -> Principal:
        """The caller. Raises Refusal ``token_invalid`` or ``token_expired``."""
        with self._lock:
            known = self._cache.get(token)
        if known is None:
            known = self._verify(token)
            with self._lock:
                self._cache[token] = known
                if len(self._cache) > _CACHE_SIZE:
                    self._cache.popitem(last=False)
        if known[0] <= time.time():
            raise Refusal("token_expired", "访问令牌已过期 / the access token has expired")
        return known[1]

    def _verify(self, token: str) -> tuple[float, Principal]:
        claims = self._keys.verify_jwt(token)
        try:
            if claims["iss"] != self._issuer or claims["aud"] != AUDIENCE:
                raise Refusal("token_invalid", "令牌的签发者或受众不符 / the token is for another issuer or audience")
            principal = Principal(
                subject=str(claims["sub"]),
                name=str(claims["name"]),
                kind=str(claims["kind"]),
                scopes=frozenset(str(claims["scope"]).split()),
                party=str(claims.get("party") or claims["sub"]),
                department=claims.get("dept"),
            )
            return float(claims["exp"]), principal
        except (KeyError, TypeError, ValueError) as error:
            raise Refusal("token_invalid", "令牌缺少必要的声明 / a required claim is missing") from error


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
