"""Access tokens: JWT (RFC 7519) signed with ES256, and the public key that verifies them (RFC 7517)."""

from __future__ import annotations

import time
from typing import Any

import uuid_utils
from joserfc import jwt
from joserfc.jwk import ECKey

from chassis.auth import AUDIENCE
from services.identity.domain.directory import Caller
from services.identity.domain.scopes import SCOPES, token_life_s


class TokenIssuer:
    """Signs with ``key`` in the name of ``issuer``."""

    def __init__(self, key: ECKey, issuer: str) -> None:
        self._key, self._issuer = key, issuer

    def issue(self, caller: Caller) -> dict[str, Any]:
        """Token response of RFC 6749 §5.1. Life is by the machine's clock, not the domain's."""
        scope, life_s, now = SCOPES[caller.kind], token_life_s(caller.kind), int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": caller.subject,
            "name": caller.name,
            "kind": caller.kind,
            "scope": scope,
            "party": caller.party,
            "dept": caller.department,
            "iat": now,
            "exp": now + life_s,
            "jti": str(uuid_utils.uuid7()),
        }
        present = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(
            {"alg": "ES256", "kid": self._key.kid, "typ": "JWT"}, present, self._key, algorithms=["ES256"]
        )
        return {"access_token": token, "token_type": "Bearer", "expires_in": life_s, "scope": scope}

    def jwks(self) -> dict[str, Any]:
        """Public keys that verify the tokens."""
        return {"keys": [self._key.as_dict(private=False)]}
