"""The log's signing key and the notes it signs (C2SP signed-note, Ed25519).

Every process of audit must find the same key file: a checkpoint under another key counts as tampering.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.keys import read_or_create

_ALGORITHM = b"\x01"


class LedgerKey:
    """Signs and checks notes under one name. Loaded once per process."""

    def __init__(self) -> None:
        self._key: Ed25519PrivateKey | None = None
        self.origin = ""

    def load(self, path: Path, origin: str) -> None:
        """Use the key in ``path`` (PEM, readable by its owner only), created on first use, under the name ``origin``."""
        key = serialization.load_pem_private_key(read_or_create(path, _new_key), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{path} holds no Ed25519 key")
        self._key, self.origin = key, origin

    @property
    def vkey(self) -> str:
        """What a verifier needs: name, key hash and public key. Source: C2SP signed-note, verifier keys."""
        public = base64.b64encode(_ALGORITHM + self._public()).decode()
        return f"{self.origin}+{self._key_hash().hex()}+{public}"

    def sign(self, text: str) -> str:
        """``text`` (ending in a newline) as a signed note."""
        signature = base64.b64encode(self._key_hash() + self._private().sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signature}\n"

    def signed(self, note: str, text: str) -> bool:
        """True if ``note`` is ``text`` under our signature. Ed25519 signs the same text in the same way each time."""
        return note == self.sign(text)

    def _private(self) -> Ed25519PrivateKey:
        if self._key is None:
            raise RuntimeError("the ledger's key is not loaded")
        return self._key

    def _public(self) -> bytes:
        return self._private().public_key().public_bytes_raw()

    def _key_hash(self) -> bytes:
        return sha256(self.origin.encode() + b"\n" + _ALGORITHM + self._public()).digest()[:4]


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


KEY = LedgerKey()
