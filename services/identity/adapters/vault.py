"""The data key: seals identity numbers and makes keyed hashes of what must be found but not read.

The key is a file beside, never inside, the database. Whoever has only one of the two learns no number; whoever loses the
key loses the numbers, so it belongs into the backup of keys.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chassis.keys import read_or_create
from services.identity.domain.sensitive import Sensitive

KEY_BYTES = 32
NONCE_BYTES = 12


class DataKeyWrong(Exception):
    """The data key is damaged, or not the one that the database was written under."""


class Vault:
    """AES-256-GCM for numbers, HMAC-SHA-256 for look-ups, each under a key of its own derived from the data key."""

    def __init__(self, data_key: bytes) -> None:
        self._seal = AESGCM(_derive(data_key, b"tongban identity seal"))
        self._index_key = _derive(data_key, b"tongban identity index")

    def seal(self, owner: str, text: Sensitive) -> bytes:
        """Nonce and ciphertext, bound to ``owner``: a row copied to another party does not open."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, text.reveal().encode(), owner.encode())

    def open(self, owner: str, sealed: bytes) -> Sensitive:
        """What was sealed. Raises DataKeyWrong."""
        try:
            text = self._seal.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
        except InvalidTag as error:
            raise DataKeyWrong(
                "数据密钥与数据库不符 / the data key is not the one the database was written under"
            ) from error
        return Sensitive(text.decode())

    def keyed_hash(self, purpose: str, text: Sensitive) -> str:
        """64 hex digits: equal for equal text of one purpose, and no use to who lacks the key."""
        mac = hmac.HMAC(self._index_key, hashes.SHA256())
        mac.update(f"{purpose}\0".encode() + text.reveal().encode("utf-8", "surrogatepass"))
        return mac.finalize().hex()


def load_or_create_vault(path: Path) -> Vault:
    """The vault under the data key in ``path``, made on first use. Raises DataKeyWrong for a damaged file."""
    key = read_or_create(path, lambda: secrets.token_bytes(KEY_BYTES))
    if len(key) != KEY_BYTES:
        raise DataKeyWrong(f"数据密钥文件应为{KEY_BYTES}字节 / the data key file must have {KEY_BYTES} bytes: {path}")
    return Vault(key)


def _derive(data_key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(data_key)
