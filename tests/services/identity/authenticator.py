"""A small authenticator in software: what a browser and a security key answer, and what a thief of either would."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class Authenticator:
    """One credential. ``flags``, ``origin`` and ``count`` can be set to what they should not be."""

    origin: str
    flags: int = PRESENT | VERIFIED
    count: int = 0
    counts: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: str | None = None

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """RegistrationResponseJSON for the options."""
        self.user_handle = options["user"]["id"]
        data = self._client_data("webauthn.create", options["challenge"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._cose()
        authenticator_data = self._authenticator_data(options["rp"]["id"], ATTESTED) + attested
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": authenticator_data})
        return self._credential({"clientDataJSON": data, "attestationObject": attestation})

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """AuthenticationResponseJSON for the options."""
        data = self._client_data("webauthn.get", options["challenge"])
        authenticator_data = self._authenticator_data(options["rpId"], 0)
        signed = authenticator_data + hashlib.sha256(data).digest()
        response = {
            "clientDataJSON": data,
            "authenticatorData": authenticator_data,
            "signature": self.key.sign(signed, ec.ECDSA(hashes.SHA256())),
        }
        credential = self._credential(response)
        credential["response"]["userHandle"] = self.user_handle
        return credential

    def _authenticator_data(self, rp_id: str, more: int) -> bytes:
        self.count += self.counts
        flags = (self.flags | more).to_bytes(1, "big")
        return hashlib.sha256(rp_id.encode()).digest() + flags + self.count.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        assert base64url_to_bytes(challenge)
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _credential(self, response: dict[str, bytes]) -> dict[str, Any]:
        shown = bytes_to_base64url(self.credential_id)
        written = {name: bytes_to_base64url(value) for name, value in response.items()}
        return {"id": shown, "rawId": shown, "type": "public-key", "response": written, "clientExtensionResults": {}}

    def _cose(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
