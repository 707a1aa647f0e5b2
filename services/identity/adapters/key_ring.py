"""The keys that sign tokens, as this process knows them: read from the database again every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import ECKey, KeySet

from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.vault import Vault
from services.identity.domain.key_schedule import KeyTimes, current, published
from services.identity.domain.sensitive import Sensitive

READ_AGAIN_S = 2.0


class NoSigningKey(OSError):
    """There is no key to sign with: the database is not there yet, or has never been prepared."""


@dataclass(frozen=True)
class SealedKey:
    """A row of ``signing_keys``."""

    times: KeyTimes
    private_sealed: bytes


class KeyRing:
    """Keys by the schedule of ``domain/key_schedule.py``; ``read`` gives every key that is not gone."""

    def __init__(self, vault: Vault, read: Callable[[], Sequence[SealedKey]]) -> None:
        self._vault, self._read = vault, read
        self._lock = threading.Lock()
        self._opened: dict[str, ECKey] = {}
        self._rows: Sequence[SealedKey] = ()
        self._read_at = float("-inf")

    def forget(self) -> None:
        """Read again at the next use."""
        with self._lock:
            self._read_at = float("-inf")

    def signing_key(self, now: datetime | None = None) -> ECKey:
        """The key that signs now. Raises NoSigningKey."""
        rows = self._known()
        found = current([row.times for row in rows], now or machine_now())
        if found is None:
            raise NoSigningKey("no signing key")
        return self._open(next(row for row in rows if row.times.key_id == found.key_id))

    def public(self, now: datetime | None = None, *, fresh: bool = False) -> dict[str, Any]:
        """JWKS of the keys that verify now; ``fresh``: another process may have made one a moment ago."""
        if fresh:
            self.forget()
        rows = {row.times.key_id: row for row in self._known()}
        keys = published([row.times for row in rows.values()], now or machine_now())
        return {"keys": [self._open(rows[key.key_id]).as_dict(private=False) for key in keys]}

    def key_set(self) -> KeySet:
        """What ``public`` says, ready to verify with. Raises NoSigningKey."""
        document = self.public()
        if not document["keys"]:
            raise NoSigningKey("no signing key")
        return KeySet.import_key_set(document)  # type: ignore[arg-type]

    def _known(self) -> Sequence[SealedKey]:
        with self._lock:
            if time.monotonic() - self._read_at < READ_AGAIN_S:
                return self._rows
        rows = self._read()
        with self._lock:
            self._rows, self._read_at = rows, time.monotonic()
        return rows

    def _open(self, row: SealedKey) -> ECKey:
        if (known := self._opened.get(row.times.key_id)) is None:
            pem = self._vault.open(row.times.key_id, row.private_sealed).reveal()
            known = self._opened[row.times.key_id] = import_signing_key(pem)
        return known


class OwnVault:
    """The vault of this process, for the clock's jobs, which are handed nothing."""

    def __init__(self) -> None:
        self._vault: Vault | None = None

    def hold(self, vault: Vault) -> None:
        """Set it; an earlier one is forgotten."""
        self._vault = vault

    def get(self) -> Vault:
        """The vault. Raises RuntimeError before ``hold``."""
        if self._vault is None:
            raise RuntimeError("the vault is not loaded")
        return self._vault


VAULT = OwnVault()


def import_signing_key(pem: str | bytes) -> ECKey:
    """An ES256 key; its ``kid`` is the RFC 7638 thumbprint."""
    key = ECKey.import_key(pem, {"alg": "ES256", "use": "sig"})
    key.ensure_kid()
    return key


def make_signing_key() -> ECKey:
    """A new one."""
    return import_signing_key(ECKey.generate_key("P-256").as_pem(private=True))


def seal_signing_key(vault: Vault, key: ECKey) -> bytes:
    """Its private half, under the data key."""
    assert key.kid is not None
    return vault.seal(key.kid, Sensitive(key.as_pem(private=True).decode()))
