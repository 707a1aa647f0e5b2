"""The witness's key and its cosignatures. Source: C2SP tlog-cosignature, cosignature/v1."""

from __future__ import annotations

import base64
import os
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

COSIGNATURE = b"\x04"


class Signer:
    """Signs in the name ``name`` with the key in ``path`` (PEM, its owner's alone), made on first use."""

    def __init__(self, name: str, path: Path) -> None:
        if not name or "+" in name or any(character.isspace() for character in name):
            raise ValueError(f"名称不得为空或含空格、加号 / a witness's name has neither space nor plus: {name!r}")
        self._name = name
        key = serialization.load_pem_private_key(_read_or_make(path), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{path} holds no Ed25519 key")
        self._key = key

    @property
    def vkey(self) -> str:
        """What a verifier pins."""
        public = base64.b64encode(COSIGNATURE + self._public).decode()
        return f"{self._name}+{self._key_id.hex()}+{public}"

    def cosign(self, text: str, at: int) -> str:
        """Signature line over the checkpoint ``text``; ``at`` is Unix time in seconds."""
        message = f"cosignature/v1\ntime {at}\n{text}".encode()
        signature = base64.b64encode(self._key_id + at.to_bytes(8) + self._key.sign(message)).decode()
        return f"— {self._name} {signature}\n"

    @property
    def _public(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    @property
    def _key_id(self) -> bytes:
        return sha256(self._name.encode() + b"\n" + COSIGNATURE + self._public).digest()[:4]


def _read_or_make(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        return path.read_bytes()
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")  # a crash leaves no half of a key
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return pem
