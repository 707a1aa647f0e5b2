"""Master keys: each wraps the data keys of parties, so that a rotation need not touch what they seal.

Number 1 comes from the data key. Each rotation adds a file beside it, never inside the database; an old one may go when
no party's key is under it any more.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chassis.keys import read_or_create
from services.identity.domain.sensitive import Sensitive

KEY_BYTES = 32
NONCE_BYTES = 12
FIRST = 1


class DataKeyWrong(Exception):
    """A key is damaged or lost, or not the one that the database was written under."""


def derive(data_key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose (HKDF-SHA-256)."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(data_key)


class PartyKey:
    """One party's data key: seals what we hold of the party. Destroyed, everything under it is noise."""

    def __init__(self, party_id: str, key: bytes) -> None:
        self._party_id, self._cipher = party_id, AESGCM(key)

    def seal(self, what: str, text: Sensitive) -> bytes:
        """Nonce and ciphertext, bound to the party and to what it is: no field passes for another."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.reveal().encode(), self._bound_to(what))

    def open(self, what: str, sealed: bytes) -> Sensitive:
        """What was sealed. Raises DataKeyWrong."""
        try:
            text = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound_to(what))
        except InvalidTag as error:
            raise DataKeyWrong("密钥与数据不符 / this key did not seal these data") from error
        return Sensitive(text.decode())

    def _bound_to(self, what: str) -> bytes:
        return f"{self._party_id}\0{what}".encode()


class MasterKeys:
    """All master keys by number. A key that another process has added is read when it is first met."""

    def __init__(self, data_key: bytes, folder: Path) -> None:
        self._folder = folder
        self._keys = {FIRST: derive(data_key, b"tongban identity master")}

    def newest(self) -> int:
        """The number that new keys are wrapped under."""
        return max([FIRST, *(int(file.stem) for file in self._folder.glob("*.key"))])

    def add(self) -> int:
        """Make the next one; its number."""
        number = self.newest() + 1
        read_or_create(self._file(number), lambda: secrets.token_bytes(KEY_BYTES))
        return number

    def drop(self, number: int) -> None:
        """Forget a master key for good. The first has no file: it is derived from the data key."""
        if number != FIRST:
            self._keys.pop(number, None)
            self._file(number).unlink(missing_ok=True)

    def wrap_new(self, party_id: str) -> tuple[int, bytes, PartyKey]:
        """Number of the master key, the wrapped key, and the key: a new one for ``party_id``."""
        key = secrets.token_bytes(KEY_BYTES)
        number = self.newest()
        return number, self._wrap(number, party_id, key), PartyKey(party_id, key)

    def unwrap(self, number: int, party_id: str, wrapped: bytes) -> PartyKey:
        """The party's key. Raises DataKeyWrong."""
        return PartyKey(party_id, self._unwrap(number, party_id, wrapped))

    def rewrap(self, number: int, party_id: str, wrapped: bytes, to: int) -> bytes:
        """The same key under master key ``to``. Raises DataKeyWrong."""
        return self._wrap(to, party_id, self._unwrap(number, party_id, wrapped))

    def _wrap(self, number: int, party_id: str, key: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._read(number)).encrypt(nonce, key, party_id.encode())

    def _unwrap(self, number: int, party_id: str, wrapped: bytes) -> bytes:
        try:
            return AESGCM(self._read(number)).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], party_id.encode())
        except InvalidTag as error:
            raise DataKeyWrong(
                "主密钥与数据库不符 / the master key is not the one the database was written under"
            ) from error

    def _read(self, number: int) -> bytes:
        """Raises DataKeyWrong for a file that is lost or damaged: a new one in its place would hide the loss."""
        if number not in self._keys:
            file = self._file(number)
            key = file.read_bytes() if file.exists() else b""
            if len(key) != KEY_BYTES:
                raise DataKeyWrong(f"主密钥文件缺失或损坏 / a master key's file is lost or damaged: {file}")
            self._keys[number] = key
        return self._keys[number]

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:04d}.key"
