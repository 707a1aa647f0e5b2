"""The data key: seals what belongs to no party, makes keyed hashes of what must be found but not read, and is the root of
the master keys that the parties' own keys are under.

The key is a file beside, never inside, the database. Whoever has only one of the two learns no number; whoever loses the
key loses the numbers, so it belongs into the backup of keys.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.envelope_keys import NONCE_BYTES, DataKeyWrong, MasterKeys, derive, read_root
from services.identity.domain.sensitive import Sensitive


class Vault:
    """AES-256-GCM for secrets, HMAC-SHA-256 for look-ups, each under a key of its own derived from the data key.

    ``masters`` wrap the parties' keys; their files are in ``folder``.
    """

    def __init__(self, data_key: bytes, folder: Path = Path("masters")) -> None:
        self._seal = AESGCM(derive(data_key, b"tongban identity seal"))
        self._index_key = derive(data_key, b"tongban identity index")
        self.masters = MasterKeys(derive(data_key, b"tongban identity master"), folder)

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
    return Vault(read_root(path), path.with_name("masters"))
