"""Connectors (对接): hubs that cases are reported to, as the connectors file (YAML) names them.

Each entry: ``name``, ``url``, ``requester``, ``service`` (the hub's names for us and for what we call), and either
``key_file``, the shared key, or ``key_url`` with ``app_key_file``, where the signing key is fetched first, as at the national
gateway: ``{"secret": Base64(AES(secret)), "secretEndTime": milliseconds}``. Optional: ``records`` per batch, ``every_s``.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import urllib3
import yaml
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from services.audit.domain.exchange import Record, digest
from services.audit.domain.gateway_signature import signed_headers

TIMEOUT_S = 10.0
RENEW_MS = 60_000  # before the end of the signing key
LARGEST_ANSWER_BYTES = 4 << 20
TAKEN = "0"

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,19}$")]
Address = Annotated[str, msgspec.Meta(pattern=r"^https?://")]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class ConnectorsInvalid(Exception):
    """The file cannot be used; the message says where and why."""


class HubFailed(Exception):
    """The hub did not answer, or refused; the message says what it said."""


class ConnectorEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One hub."""

    name: Name
    url: Address
    requester: Word
    service: Word
    key_file: str | None = None
    key_url: Address | None = None
    app_key_file: str | None = None
    records: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 500
    every_s: Annotated[float, msgspec.Meta(ge=1)] = 30.0


class Connector:
    """Talks to one hub: batches out, what it holds back in."""

    def __init__(self, entry: ConnectorEntry) -> None:
        self.name, self.records, self.every_s = entry.name, entry.records, entry.every_s
        self._entry = entry
        self._key = _SigningKey(entry)
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def send(self, batch_no: str, records: Sequence[Record]) -> None:
        """Hand a batch over. A hub keeps one batch under a number, the last it was given. Raises HubFailed."""
        self._call("batches", {"batch_no": batch_no, "records": records, "digest": digest(records)})

    def held(self, batch_nos: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
        """对账: those of the batches that the hub holds, each with its ``digest``. Raises HubFailed."""
        found = self._call("reconciliation", {"batch_nos": list(batch_nos)}).get("batches")
        if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
            raise HubFailed("the answer holds no batches")
        return found

    def _call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        entry, now_ms = self._entry, int(time.time() * 1000)
        key = self._key.current(now_ms)
        headers = signed_headers(requester=entry.requester, service=entry.service, key=key, now_ms=now_ms)
        return _post(self._pool, f"{entry.url.rstrip('/')}/{path}", headers, body)


class _SigningKey:
    """The key that requests are signed with: from a file, or fetched and kept until it ends."""

    def __init__(self, entry: ConnectorEntry) -> None:
        self._entry = entry
        self._lock = threading.Lock()
        self._fetched: tuple[bytes, int] | None = None
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def current(self, now_ms: int) -> bytes:
        """Raises HubFailed."""
        if self._entry.key_file is not None:
            return _read_key(self._entry.key_file)
        with self._lock:
            if self._fetched is None or self._fetched[1] - RENEW_MS <= now_ms:
                self._fetched = self._fetch(now_ms)
            return self._fetched[0]

    def _fetch(self, now_ms: int) -> tuple[bytes, int]:
        entry = self._entry
        assert entry.key_url is not None
        assert entry.app_key_file is not None
        app_key = _read_key(entry.app_key_file)
        headers = signed_headers(requester=entry.requester, service=entry.service, key=app_key, now_ms=now_ms)
        answer = _post(self._pool, entry.key_url, headers, {})
        try:
            return decrypt_secret(app_key, str(answer["secret"])), int(answer["secretEndTime"])
        except (KeyError, ValueError, TypeError) as error:
            raise HubFailed(f"the answer holds no signing key: {error!r}") from error


def decrypt_secret(app_key: bytes, sealed: str) -> bytes:
    """The signing key. Raises ValueError."""
    cipher = Cipher(algorithms.AES(app_key), modes.ECB()).decryptor()  # noqa: S305  the hub's format, for one random key
    padded = cipher.update(base64.b64decode(sealed, validate=True)) + cipher.finalize()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def read_connectors(path: Path) -> tuple[Connector, ...]:
    """The connectors of a file. Raises ConnectorsInvalid."""
    try:
        entries = msgspec.convert(yaml.safe_load(path.read_bytes()), list[ConnectorEntry])
    except OSError as error:
        raise ConnectorsInvalid(f"{path}: 文件读不出 / cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise ConnectorsInvalid(f"{path}: 内容有误 / {error}") from error
    for entry in entries:
        by_fetching = entry.key_url is not None and entry.app_key_file is not None
        if (entry.key_file is not None) == by_fetching:
            raise ConnectorsInvalid(f"{path}: {entry.name}: 密钥设置有误 / give key_file, or key_url with app_key_file")
    if len({entry.name for entry in entries}) < len(entries):
        raise ConnectorsInvalid(f"{path}: 名称重复 / two connectors have one name")
    return tuple(map(Connector, entries))


def _read_key(path: str) -> bytes:
    try:
        return Path(path).read_bytes().strip()
    except OSError as error:
        raise HubFailed(f"the key file cannot be read: {error.strerror}") from error


def _post(pool: urllib3.PoolManager, url: str, headers: dict[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` of the hub's ``{code, msg, data}``. Raises HubFailed."""
    sent = headers | {"Content-Type": "application/json"}
    try:
        with pool.request("POST", url, body=msgspec.json.encode(body), headers=sent, preload_content=False) as response:
            content = response.read(LARGEST_ANSWER_BYTES)
            status = response.status
        answer = msgspec.json.decode(content) if status == 200 else None
    except (urllib3.exceptions.HTTPError, msgspec.DecodeError, OSError) as error:
        raise HubFailed(f"no answer: {error!r}") from error
    if not isinstance(answer, dict) or answer.get("code") != TAKEN:
        said = str(answer.get("msg")) if isinstance(answer, dict) else content[:200].decode(errors="replace")
        raise HubFailed(f"status {status}: {said}")
    data = answer.get("data")
    return data if isinstance(data, dict) else {}
