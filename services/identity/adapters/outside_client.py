"""We as a client of an outside OpenID provider: discovery, where to send the browser, and whom the code stands for.

Every answer is judged by ``domain/outside.py``; nothing of it is believed before its signature is.
"""

from __future__ import annotations

import base64
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from joserfc import jwt

from chassis.errors import Refusal
from chassis.public_keys import PublicKeys
from services.identity.adapters.outside_file import ConfiguredProvider
from services.identity.adapters.outside_web import OutsideAnswer, OutsideAway, Web
from services.identity.domain.oauth import with_query
from services.identity.domain.outside import (
    ALGORITHMS,
    OutsideError,
    OutsidePerson,
    challenge_of,
    person_of,
    require_answerer,
    require_claims,
)

DISCOVERY = "/.well-known/openid-configuration"
KEPT_S = 600.0
ASSERTION_LIFE_S = 60
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What belongs to one sign-in: the browser carries ``state``, the provider repeats ``nonce``, ``verifier`` stays here."""

    state: str
    nonce: str
    verifier: str


class OutsideClient:
    """Of one provider. ``returns_to`` is ours alone at this provider, so that its answers cannot be taken for another's."""

    def __init__(self, configured: ConfiguredProvider, returns_to: str, web: Web) -> None:
        self.provider, self._configured = configured.provider, configured
        self._returns_to, self._web = returns_to, web
        self._lock = threading.Lock()
        self._document: tuple[float, Mapping[str, Any]] | None = None
        self._keys = PublicKeys(self._fetch_keys, algorithms=ALGORITHMS)

    def address(self, secrets: Secrets) -> str:
        """Where the browser goes. Raises OutsideAway or OutsideError."""
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self._returns_to,
            "scope": " ".join(self.provider.scope),
            "state": secrets.state,
            "nonce": secrets.nonce,
            "code_challenge": challenge_of(secrets.verifier),
            "code_challenge_method": "S256",
        }
        return with_query(self._metadata()["authorization_endpoint"], asked)

    def require_answerer(self, said: str | None) -> None:
        """Whether the answer with ``iss`` is this provider's. Raises OutsideError or OutsideAway."""
        always = self._metadata().get("authorization_response_iss_parameter_supported") is True
        require_answerer(self.provider, said, always_says=always)

    def redeem(self, code: str, secrets: Secrets) -> OutsidePerson:
        """Whom the code stands for. Raises OutsideError or OutsideAway."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._returns_to,
            "code_verifier": secrets.verifier,
        }
        answer = self._post(self._metadata()["token_endpoint"], fields)
        if answer.status != 200:
            raise OutsideError("code_refused")
        granted = answer.json()
        claims = self._verified(granted.get("id_token"))
        require_claims(claims, self.provider, nonce=secrets.nonce, now_s=time.time())
        return person_of({**self._userinfo(granted, claims), **claims}, self.provider)

    def _verified(self, token: object) -> dict[str, Any]:
        if not isinstance(token, str):
            raise OutsideError("id_token_missing")
        try:
            return self._keys.verify_jwt(token, None)
        except Refusal:
            raise OutsideError("signature_wrong") from None

    def _userinfo(self, granted: Mapping[str, Any], claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the ID token does not say, if the provider has an endpoint for it; of the same person (§5.3.2)."""
        names = self.provider.claims
        missing = [name for name in (names.name, names.number, names.level) if name and name not in claims]
        address, token = self._metadata().get("userinfo_endpoint"), granted.get("access_token")
        if not missing or not isinstance(address, str) or not isinstance(token, str):
            return {}
        answer = self._web.call("GET", address, {"Authorization": f"Bearer {token}", "Accept": "application/json"})
        if answer.status != 200:
            raise OutsideError("userinfo_refused")
        said = answer.json()
        if said.get("sub") != claims["sub"]:
            raise OutsideError("subject_mismatch")
        return said

    def _post(self, address: str, fields: dict[str, str]) -> OutsideAnswer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        provider, secret = self.provider, self._configured.secret
        if secret is None:
            fields |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self._assertion()}
        elif provider.authentication == "client_secret_basic":
            pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret.reveal())}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            fields |= {"client_id": provider.client_id, "client_secret": secret.reveal()}
        return self._web.call("POST", address, headers, urlencode(fields).encode())

    def _assertion(self) -> str:
        key, now = self._configured.key, int(time.time())
        assert key is not None, "a provider is configured with a secret or a key"
        said = {
            "iss": self.provider.client_id,
            "sub": self.provider.client_id,
            "aud": self.provider.issuer,
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode({"alg": "ES256", "kid": key.kid}, said, key, algorithms=["ES256"])

    def _metadata(self) -> Mapping[str, Any]:
        """The provider's own document. Raises OutsideAway, or OutsideError when it is another's (Discovery §4.3)."""
        with self._lock:
            if self._document is not None and time.monotonic() - self._document[0] < KEPT_S:
                return self._document[1]
        address = self.provider.issuer.rstrip("/") + DISCOVERY
        answer = self._web.call("GET", address, {"Accept": "application/json"})
        document = answer.json() if answer.status == 200 else {}
        if document.get("issuer") != self.provider.issuer:
            raise OutsideError("issuer_mismatch")
        if not all(isinstance(document.get(name), str) for name in _ENDPOINTS):
            raise OutsideError("discovery_incomplete")
        with self._lock:
            self._document = time.monotonic(), document
        return document

    def _fetch_keys(self) -> Mapping[str, Any]:
        answer = self._web.call("GET", self._metadata()["jwks_uri"], {"Accept": "application/json"})
        if answer.status != 200:
            raise OutsideAway(f"keys: status {answer.status}")
        keys = answer.json().get("keys")
        return {"keys": [key for key in keys if key.get("use") in {None, "sig"}] if isinstance(keys, list) else []}
