"""The witness (见证人) of the ledger: asked to cosign what has grown. Source: C2SP tlog-witness, tlog-cosignature."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

import urllib3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TIMEOUT_S = 10.0
LARGEST_ANSWER_BYTES = 64 * 1024
_COSIGNATURE = b"\x04"
_LENGTH = 4 + 8 + 64  # key hash, Unix time, signature


class WitnessKeyInvalid(Exception):
    """The setting is no verifier key of a witness."""


class WitnessAway(Exception):
    """The witness did not answer as the protocol has it; it is asked again."""


class WitnessRefuses(Exception):
    """The witness has seen another ledger under our name. ``size``: how large it was when it cosigned last, if it says so."""

    def __init__(self, why: str, size: int | None = None) -> None:
        super().__init__(why)
        self.size = size


class Witness:
    """One witness, by its address and its verifier key. Raises WitnessKeyInvalid."""

    def __init__(self, url: str, vkey: str) -> None:
        self.name, self._key_hash, self._key = _read_key(vkey)
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def cosign(self, note: str, old_size: int, proof: Sequence[bytes]) -> tuple[str, datetime]:
        """Signature line for the checkpoint ``note`` and its time. Raises WitnessAway, WitnessRefuses."""
        lines = [f"old {old_size}", *(base64.b64encode(value).decode() for value in proof)]
        try:
            answer = self._pool.request("POST", self._url, body="\n".join([*lines, "", note]).encode())
        except urllib3.exceptions.HTTPError as error:
            raise WitnessAway(repr(error)) from error
        text = answer.data[:LARGEST_ANSWER_BYTES].decode(errors="replace")
        if answer.status == 409 and text.strip().isdecimal():
            raise WitnessRefuses(f"cosigned last: {text.strip()}", int(text))
        if answer.status in (409, 422):
            raise WitnessRefuses(text.strip())
        if answer.status != 200:
            raise WitnessAway(f"{answer.status}: {text.strip()}")
        return self._own_line(text, note)

    def _own_line(self, text: str, note: str) -> tuple[str, datetime]:
        for line in text.splitlines():
            dash, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            if (dash, name) == ("—", self.name) and (at := self._verified(encoded, note)) is not None:
                return f"{line}\n", at
        raise WitnessAway("the answer holds no cosignature of its key")

    def _verified(self, encoded: str, note: str) -> datetime | None:
        try:
            blob = base64.b64decode(encoded, validate=True)
        except ValueError:
            return None
        if len(blob) != _LENGTH or blob[:4] != self._key_hash:
            return None
        at = int.from_bytes(blob[4:12])
        text, _, _ = note.rpartition("\n\n")
        try:
            self._key.verify(blob[12:], f"cosignature/v1\ntime {at}\n{text}\n".encode())
            return datetime.fromtimestamp(at, UTC)
        except (InvalidSignature, OverflowError, ValueError):
            return None


def _read_key(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    try:
        name, key_hash, encoded = vkey.strip().split("+", 2)
        key = base64.b64decode(encoded, validate=True)
        if key[:1] != _COSIGNATURE or sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_hash:
            raise ValueError("not a witness's, or damaged")
        return name, bytes.fromhex(key_hash), Ed25519PublicKey.from_public_bytes(key[1:])
    except ValueError as error:
        raise WitnessKeyInvalid(f"TONGBAN_WITNESS_KEY: 不是见证人公钥 / no verifier key: {error}") from error


WITNESSES: list[Witness] = []
"""Set up once per process: none, or the one that the settings name."""
