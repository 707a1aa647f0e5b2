"""RabbitMQ's management API, to the extent that provisioning needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
import urllib3

TIMEOUT_S = 10.0


class ProvisionError(Exception):
    """The broker refused, or something else stands in the way; the message says what."""


class BrokerApi:
    """The API at ``url`` (``http://host:port``) as ``admin``: (user, password). Methods raise ProvisionError."""

    def __init__(self, url: str, admin: tuple[str, str]) -> None:
        self._url = url.rstrip("/") + "/api/"
        self._headers = urllib3.make_headers(basic_auth=":".join(admin)) | {"Content-Type": "application/json"}
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=urllib3.Retry(3, status=0, redirect=0))

    def get(self, path: str) -> Any:
        """Decoded JSON."""
        return msgspec.json.decode(self._call("GET", path))

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Create or replace."""
        self._call("PUT", path, body)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Create what has no name."""
        self._call("POST", path, body)

    def delete(self, path: str) -> None:
        """Remove; it may be gone already."""
        self._call("DELETE", path, gone_is_fine=True)

    def close_connections(self, user: str) -> int:
        """End the connections of a user that the API knows of; returns how many."""
        mine = [c["name"] for c in self.get("connections?columns=name,user") if c.get("user") == user]
        for name in mine:
            self.delete(f"connections/{quote(name, safe='')}")
        return len(mine)

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, gone_is_fine: bool = False
    ) -> bytes:
        sent = None if body is None else msgspec.json.encode(body)
        try:
            response = self._pool.request(method, self._url + path, body=sent, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise ProvisionError(f"消息服务不应答 / the broker does not answer: {method} {path}: {error}") from error
        if response.status >= 300 and not (gone_is_fine and response.status == 404):
            raise ProvisionError(f"{method} {path}: {response.status} {response.data.decode(errors='replace')[:500]}")
        return response.data
