"""The portal as a relying party of the platform's OpenID provider: code with PKCE, state and nonce; private_key_jwt.

The browser goes to the provider at the public address; tokens come through the gateway like everything else.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from joserfc.jwt import JWTClaimsRegistry

from portal.api import Api, Problem, path

CLIENT_ID = "portal"
SCOPE = "openid profile tongban"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 60
CLOCKS_DIFFER_S = 60
# joserfc trips over headers that are JSON but not a header, such as {"crit": 1}.
_UNREADABLE = (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


@dataclass(frozen=True)
class Granted:
    """What the provider gave. ``claims`` are of the ID token, which was verified."""

    access_token: str
    refresh_token: str
    expires_in: int
    claims: Mapping[str, Any]


@dataclass(frozen=True)
class Begun:
    """A sign-in that has begun; kept for the browser until it comes back."""

    nonce: str
    verifier: str
    wanted: str


@dataclass(frozen=True)
class RelyingParty:
    """``public_url`` (no slash at its end) is where browsers reach the platform; with ``key`` the portal proves who it is."""

    public_url: str
    issuer: str
    key: ECKey

    @property
    def returns_to(self) -> str:
        """Where the provider sends the browser back to, as it is registered."""
        return f"{self.public_url}/sign-in/return"

    def jwks(self) -> dict[str, Any]:
        """The public key, which the provider fetches."""
        return {"keys": [self.key.as_dict(private=False)]}

    def begin(self, wanted: str, language: str) -> tuple[str, str, Begun]:
        """Address of the provider, ``state``, and what to keep under it. ``wanted`` is where the visitor wanted to go."""
        state, begun = secrets.token_urlsafe(16), Begun(secrets.token_urlsafe(16), secrets.token_urlsafe(48), wanted)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.returns_to,
            "scope": SCOPE,
            "state": state,
            "nonce": begun.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "ui_locales": language,
        }
        return f"{self.public_url}/oauth2/authorize?{urlencode(asked)}", state, begun

    def redeem(self, api: Api, code: str, begun: Begun) -> Granted:
        """Tokens for the code. Raises Problem."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.returns_to,
            "code_verifier": begun.verifier,
        }
        granted = self._granted(api, self._post(api, "token", fields))
        if granted.claims.get("nonce") != begun.nonce:
            raise _not_believed()
        return granted

    def refresh(self, api: Api, refresh_token: str) -> Granted:
        """The next tokens. Raises Problem: of status 400 when the sign-in has ended."""
        return self._granted(
            api, self._post(api, "token", {"grant_type": "refresh_token", "refresh_token": refresh_token})
        )

    def sign_out_address(self, session_id: str) -> str:
        """Where the browser goes to end the sign-in at the provider. Only the provider and the portal know ``session_id``."""
        asked = {
            "client_id": CLIENT_ID,
            "logout_hint": session_id,
            "post_logout_redirect_uri": f"{self.public_url}/",
        }
        return f"{self.public_url}/oauth2/logout?{urlencode(asked)}"

    def _post(self, api: Api, endpoint: str, fields: dict[str, str]) -> dict[str, Any]:
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self._assertion()}
        body = urlencode(fields | proof).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer: dict[str, Any] = api.call("POST", f"/oauth2/{endpoint}", body=body, headers=headers).json()
        return answer

    def _assertion(self) -> str:
        now = int(time.time())
        said = {
            "iss": CLIENT_ID,
            "sub": CLIENT_ID,
            "aud": self.issuer,
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, said, self.key, algorithms=["ES256"])

    def _granted(self, api: Api, answer: dict[str, Any]) -> Granted:
        keys = api.get(path("jwks"))
        try:
            claims = dict(jwt.decode(answer["id_token"], KeySet.import_key_set(keys), algorithms=["ES256"]).claims)
            JWTClaimsRegistry(
                leeway=CLOCKS_DIFFER_S,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": CLIENT_ID},
                exp={"essential": True},
                sub={"essential": True},
            ).validate(claims)
            return Granted(answer["access_token"], answer["refresh_token"], int(answer["expires_in"]), claims)
        except _UNREADABLE as error:
            raise _not_believed() from error


def _not_believed() -> Problem:
    return Problem(502, "sign_in_failed", "登录结果未通过核验 / the result of the sign-in was not verified", {})
