"""Envelope encryption: a key for each owner of data, wrapped under a master key that is never in the database.

Destroying an owner's wrapped key erases everything sealed with it. A rotation wraps the keys anew and touches nothing that they
seal. Master key number 1 comes from a root secret in a file; each rotation adds a file beside it; an old one may go when
no key is under it any more.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chassis.keys import read_or_create

KEY_BYTES = 32
NONCE_BYTES = 12
FIRST = 1


class DataKeyWrong(Exception):
    """A key is damaged or lost, or not the one that the database was written under."""


def derive(root: bytes, purpose: bytes) -> bytes:
    """A key for one purpose (HKDF-SHA-256)."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(root)


def read_root(path: Path) -> bytes:
    """The root secret in ``path``, made on first use. Raises DataKeyWrong for a damaged file."""
    key = read_or_create(path, lambda: secrets.token_bytes(KEY_BYTES))
    if len(key) != KEY_BYTES:
        raise DataKeyWrong(f"数据密钥文件应为{KEY_BYTES}字节 / the data key file must have {KEY_BYTES} bytes: {path}")
    return key


class OwnerKey:
    """One owner's data key (AES-256-GCM). Destroyed, everything under it is noise."""

    def __init__(self, owner: str, key: bytes) -> None:
        self._owner, self._cipher = owner, AESGCM(key)

    def seal(self, what: str, text: str) -> bytes:
        """Nonce and ciphertext, bound to the owner and to what it is: no field passes for another."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), self._bound_to(what))

    def open(self, what: str, sealed: bytes) -> str:
        """What was sealed. Raises DataKeyWrong."""
        try:
            text = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound_to(what))
        except InvalidTag as error:
            raise DataKeyWrong("密钥与数据不符 / this key did not seal these data") from error
        return text.decode()

    def _bound_to(self, what: str) -> bytes:
        return f"{self._owner}\0{what}".encode()


class MasterKeys:
    """All master keys by number. A key that another process has added is read when it is first met."""

    def __init__(self, first: bytes, folder: Path) -> None:
        self._folder = folder
        self._keys = {FIRST: first}

    def newest(self) -> int:
        """The number that new keys are wrapped under."""
        return max([FIRST, *(int(file.stem) for file in self._folder.glob("*.key"))])

    def add(self) -> int:
        """Make the next one; its number."""
        number = self.newest() + 1
        read_or_create(self._file(number), lambda: secrets.token_bytes(KEY_BYTES))
        return number

    def drop(self, number: int) -> None:
        """Forget a master key for good. The first has no file: it is derived from the root."""
        if number != FIRST:
            self._keys.pop(number, None)
            self._file(number).unlink(missing_ok=True)

    def wrap_new(self, owner: str) -> tuple[int, bytes, OwnerKey]:
        """Number of the master key, the wrapped key, and the key: a new one for ``owner``."""
        key = secrets.token_bytes(KEY_BYTES)
        number = self.newest()
        return number, self._wrap(number, owner, key), OwnerKey(owner, key)

    def unwrap(self, number: int, owner: str, wrapped: bytes) -> OwnerKey:
        """The owner's key. Raises DataKeyWrong."""
        return OwnerKey(owner, self._unwrap(number, owner, wrapped))

    def rewrap(self, number: int, owner: str, wrapped: bytes, to: int) -> bytes:
        """The same key under master key ``to``. Raises DataKeyWrong."""
        return self._wrap(to, owner, self._unwrap(number, owner, wrapped))

    def _wrap(self, number: int, owner: str, key: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._read(number)).encrypt(nonce, key, owner.encode())

    def _unwrap(self, number: int, owner: str, wrapped: bytes) -> bytes:
        try:
            return AESGCM(self._read(number)).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], owner.encode())
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
