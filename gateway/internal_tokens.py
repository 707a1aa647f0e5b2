"""What services get in place of the access token: a minute's word of the gateway, for one service and no other.

So whoever takes one from a service, its log or its memory can do nothing with it elsewhere, and nothing at all soon.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

import uuid_utils
from joserfc import jwt
from joserfc.jwk import ECKey

from chassis.auth import INTERNAL_ISSUER, INTERNAL_LIFE_S, INTERNAL_TYPE, Principal, TokenVerifier, claims_of
from contracts.rights import scopes_of
from gateway.ended_sessions import EndedSessions

KEY_FILE = "gateway/internal.pem"
RENEWED_S = 30
"""A token with less life than this is not used again: it has to outlast the wait for the service."""
_CACHE_SIZE = 50_000
OWN = "gateway"  # no access token looks like that
_GATEWAY = Principal(
    subject=OWN, name=OWN, kind=OWN, scopes=frozenset(scopes_of(OWN).split()), party=OWN, department=None
)


class InternalTokens:
    """Exchanges verified access tokens. Several gateways share one ``key``, or services would know only one of them."""

    def __init__(self, access: TokenVerifier, key: ECKey, ended: EndedSessions) -> None:
        self._access, self._key, self._ended = access, key, ended
        self._header = {"alg": "ES256", "kid": key.kid, "typ": INTERNAL_TYPE}
        self._cache: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()
        self._lock = threading.Lock()

    def exchange(self, access_token: str, service: str) -> tuple[Principal, str]:
        """The caller, and the token for ``service``, which never outlives the access token.

        Raises Refusal ``token_invalid``, ``token_expired`` or ``session_ended``, or OSError when identity's keys cannot be
        had.
        """
        access_until, caller = self._access.verified(access_token)
        self._ended.require_going_on(caller)
        now = time.time()
        known = self._cache.get((access_token, service))
        if known is not None and known[0] > now:
            return caller, known[1]
        until = min(int(now) + INTERNAL_LIFE_S, int(access_until))
        token = self._sign(caller, service, int(now), until)
        # In the access token's own last minute every internal one ends with it: there is nothing to renew it with.
        good_until = until - RENEWED_S if until < int(access_until) else access_until
        with self._lock:
            self._cache[access_token, service] = good_until, token
            self._cache.move_to_end((access_token, service))
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        return caller, token

    def own(self, service: str) -> str:
        """For what the gateway asks ``service`` in its own name."""
        now = time.time()
        known = self._cache.get((OWN, service))
        if known is not None and known[0] > now:
            return known[1]
        until = int(now) + INTERNAL_LIFE_S
        token = self._sign(_GATEWAY, service, int(now), until)
        with self._lock:
            self._cache[OWN, service] = until - RENEWED_S, token
        return token

    def jwks(self) -> dict[str, Any]:
        """The public key that services verify with."""
        return {"keys": [self._key.as_dict(private=False)]}

    def _sign(self, caller: Principal, service: str, now: int, until: int) -> str:
        claims = claims_of(caller) | {
            "iss": INTERNAL_ISSUER,
            "aud": service,
            "iat": now,
            "exp": until,
            "jti": str(uuid_utils.uuid7()),
        }
        return jwt.encode(self._header, claims, self._key, algorithms=["ES256"])
