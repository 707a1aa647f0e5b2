"""Access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2): JWTs signed with ES256, and the keys that verify them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uuid_utils
from joserfc import jwt
from joserfc.errors import JoseError

from chassis.auth import AUDIENCE
from services.identity.adapters.key_ring import KeyRing
from services.identity.domain.delegation import scopes_alone
from services.identity.domain.directory import Caller
from services.identity.domain.factors import acr_of
from services.identity.domain.oauth import left_half_hash
from services.identity.domain.scopes import SCOPES, token_life_s

ACCESS_TOKEN, ID_TOKEN = "at+jwt", "JWT"
# joserfc trips over headers that are JSON but not a header, such as {"crit": 1}.
_UNREADABLE = (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """How somebody signed in, and at which client: what the tokens of a session say of it.

    ``grant_id`` is what a token is revoked by. ``subject`` is what the client knows the account as. A token that is good for
    userinfo alone has ``for_userinfo``: it names nobody and opens no API.
    """

    session_id: str
    client_id: str
    grant_id: str
    subject: str
    amr: Sequence[str]
    auth_time: datetime
    scope: Sequence[str]
    for_userinfo: bool = False


class TokenIssuer:
    """Signs with the key of ``ring`` whose turn it is, in the name of ``issuer``."""

    def __init__(self, ring: KeyRing, issuer: str) -> None:
        self.ring, self.issuer = ring, issuer

    def issue(self, caller: Caller, signed_in: SignIn | None = None) -> dict[str, Any]:
        """Token response of RFC 6749 §5.1. Life is by the machine's clock, not the domain's."""
        now = int(time.time())
        life_s = min(token_life_s(caller.kind), caller.life_s or token_life_s(caller.kind))
        scope = " ".join(signed_in.scope) if signed_in else caller.scope or SCOPES[caller.kind]
        scope = scopes_alone(scope) if caller.minor else scope
        claims = {
            "iss": self.issuer,
            "iat": now,
            "exp": now + life_s,
            "jti": str(uuid_utils.uuid7()),
            "scope": scope,
            **_claims_of(caller, signed_in),
        }
        return {
            "access_token": self.sign(claims, ACCESS_TOKEN),
            "token_type": "Bearer",
            "expires_in": life_s,
            "scope": scope,
        }

    def id_token(self, signed_in: SignIn, access_token: str, nonce: str | None, life_s: int) -> str:
        """The ID token beside ``access_token``."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": signed_in.subject,
            "aud": signed_in.client_id,
            "iat": now,
            "exp": now + life_s,
            "auth_time": int(signed_in.auth_time.timestamp()),
            "nonce": nonce,
            "acr": acr_of(signed_in.amr),
            "amr": list(signed_in.amr),
            "at_hash": left_half_hash(access_token),
            "sid": signed_in.session_id,
        }
        return self.sign(claims, ID_TOKEN)

    def read(self, token: str, typ: str) -> dict[str, Any] | None:
        """Claims of a token that was issued here, whether it has run out or not; None for any other text."""
        try:
            found = jwt.decode(token, self.ring.key_set(), algorithms=["ES256"])
            claims = dict(found.claims)
            said = found.header.get("typ")
        except _UNREADABLE:
            return None
        return claims if said == typ and claims.get("iss") == self.issuer else None

    def read_access_token(self, token: str) -> dict[str, Any] | None:
        """Claims of an access token that has not run out; None for any other text."""
        claims = self.read(token, ACCESS_TOKEN)
        return claims if claims is not None and claims.get("exp", 0) > time.time() else None

    def jwks(self) -> dict[str, Any]:
        """Public keys that verify the tokens: whoever asks may hold one of a key that is new."""
        return self.ring.public(fresh=True)

    def sign(self, claims: Mapping[str, Any], typ: str) -> str:
        """A JWT of this type under the key whose turn it is."""
        key = self.ring.signing_key()
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": typ}, present, key, algorithms=["ES256"])


def _claims_of(caller: Caller, signed_in: SignIn | None) -> dict[str, Any]:
    if signed_in is None:
        return {
            "aud": AUDIENCE,
            "client_id": caller.subject if caller.kind == "department" else caller.client,
            **_person(caller),
        }
    about = {
        "client_id": signed_in.client_id,
        "sid": signed_in.session_id,
        "grant": signed_in.grant_id,
        "amr": list(signed_in.amr),
        "acr": acr_of(signed_in.amr),
    }
    if signed_in.for_userinfo:
        return {"sub": signed_in.subject, **about}
    return {"aud": AUDIENCE, **_person(caller), **about}


def _person(caller: Caller) -> dict[str, Any]:
    """Claims of who is meant; ``act`` (RFC 8693 §4.1) is who really acts when that is another."""
    actor = caller.actor
    return {
        "sub": caller.subject,
        "name": caller.name,
        "kind": caller.kind,
        "party": caller.party,
        "dept": caller.department,
        "level": caller.level,
        "act": None if actor is None else {"sub": actor.subject, "name": actor.name},
        "items": None if caller.items is None else list(caller.items),
        "sid": caller.session,
        "grant": caller.grant,
    }
