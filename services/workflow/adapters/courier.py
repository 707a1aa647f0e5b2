r"""快递: a courier's HTTP interface. Orders are known by a number of ours, so a repeated one is the same order.

``POST {url}/orders`` with JSON {order_no, to} and ``GET {url}/orders/{order_no}`` answer {tracking_no, state, signed_by,
signed_at, reason}; state is accepted, in_transit, delivered or returned. Each request carries X-Key-Id, X-Timestamp (seconds) and
X-Signature = hex(HMAC-SHA256(secret, method + "\n" + path + "\n" + timestamp + "\n" + body)).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import msgspec
import urllib3

from chassis.settings import Settings

TIMEOUT_S = 10.0
TOO_MUCH = 1 << 16


class CourierUnavailable(Exception):
    """No usable answer: ask again later."""


class Tracked(msgspec.Struct, frozen=True):
    """Where the courier says that an order is."""

    tracking_no: str
    state: Literal["accepted", "in_transit", "delivered", "returned"]
    signed_by: str = ""
    signed_at: str = ""
    reason: str = ""


class Courier:
    """``url`` is ``https://<key id>:<secret>@host/path``. Raises ValueError for one that cannot be used."""

    def __init__(self, url: str, name: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not (parts.hostname and parts.username and parts.password):
            raise ValueError("https://<key id>:<secret>@host/path")
        host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        self.name = name
        self._base = urlunsplit((parts.scheme, host, "", "", ""))
        self._path = parts.path.rstrip("/")
        self._key_id, self._secret = unquote(parts.username), unquote(parts.password)
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def order(self, order_no: str, to: str) -> Tracked:
        """Have it fetched and carried ``to`` there. Raises CourierUnavailable."""
        return self._ask("POST", "/orders", msgspec.json.encode({"order_no": order_no, "to": to}))

    def track(self, order_no: str) -> Tracked:
        """Where it is. Raises CourierUnavailable."""
        return self._ask("GET", f"/orders/{quote(order_no, safe='')}", b"")

    def _ask(self, method: str, path: str, body: bytes) -> Tracked:
        whole, stamp = self._path + path, str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Key-Id": self._key_id,
            "X-Timestamp": stamp,
            "X-Signature": signature(self._secret, method, whole, stamp, body),
        }
        try:
            answer = self._pool.request(method, self._base + whole, body=body or None, headers=headers, redirect=False)
            if answer.status not in (200, 201) or len(answer.data) > TOO_MUCH:
                raise CourierUnavailable(f"HTTP {answer.status}")
            return msgspec.json.decode(answer.data, type=Tracked)
        except (urllib3.exceptions.HTTPError, msgspec.DecodeError) as error:
            raise CourierUnavailable(type(error).__name__) from None


def signature(secret: str, method: str, path: str, stamp: str, body: bytes) -> str:
    """Over what the request asks."""
    return hmac.new(secret.encode(), f"{method}\n{path}\n{stamp}\n".encode() + body, hashlib.sha256).hexdigest()


class _Couriers:
    """The courier that this installation is connected to, or none."""

    def __init__(self) -> None:
        self.connected: Courier | None = None

    def load(self, settings: Settings) -> None:
        """Take the settings over. Raises ValueError for an address that cannot be used."""
        url = settings.courier_url
        self.connected = None if url is None else Courier(url, settings.courier_name)


COURIERS = _Couriers()
