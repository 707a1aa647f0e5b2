"""The public API as a citizen's or supervisor's program uses it, through the gateway."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

import urllib3

from demo.sign_in import sign_in


class ApiError(Exception):
    """The API answered with a problem, of this HTTP status."""

    def __init__(self, said: str, status: int = 0) -> None:
        super().__init__(said)
        self.status = status


class Api:
    """A signed-in caller. ``ca_file`` is the authority of the gateway's certificate."""

    def __init__(self, base_url: str, *, ca_file: str | None, username: str | None = None, password: str = "") -> None:
        self._base = base_url
        self._http = urllib3.PoolManager(ca_certs=ca_file, timeout=60, retries=False)
        self._headers: dict[str, str] = {}
        if username is not None:
            self.sign_in(username, password)

    def sign_in(self, username: str, password: str) -> dict[str, Any]:
        """Sign in for the calls that follow; the token response."""
        granted = sign_in(self._send, username, password)
        self._headers["Authorization"] = f"Bearer {granted['access_token']}"
        return granted

    def get(self, path: str, **query: str) -> Any:
        """JSON of a GET."""
        return self._call("GET", path, fields=query).json()

    def get_bytes(self, path: str) -> bytes:
        """Body of a GET."""
        return bytes(self._call("GET", path).data)

    def post(self, path: str, body: Any) -> Any:
        """JSON of a POST; a fresh Idempotency-Key goes with it."""
        return self._call("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())}).json()

    def put(self, path: str, body: Any) -> Any:
        """JSON of a PUT; a fresh Idempotency-Key goes with it."""
        return self._call("PUT", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())}).json()

    def upload(self, path: str, content: bytes, media_type: str, **query: str) -> Any:
        """JSON of a POST of raw bytes."""
        address = f"{path}?{'&'.join(f'{k}={v}' for k, v in query.items())}"
        return self._call("POST", address, body=content, headers={"Content-Type": media_type}).json()

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        answer = self._http.request(method, self._base + path, headers=headers, body=body or None, redirect=False)
        return answer.status, answer.headers, answer.data

    def _call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any) -> Any:
        response = self._http.request(method, self._base + path, headers=self._headers | (headers or {}), **kwargs)
        if response.status >= 400:
            raise ApiError(
                f"{method} {path}: {response.status} {response.data.decode(errors='replace')[:500]}", response.status
            )
        return response


def wait_for(what: str, probe: Any, *, timeout_s: float, every_s: float = 0.1) -> Any:
    """The first truthy value of ``probe()``. Raises TimeoutError that names ``what``."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := probe():
            return found
        time.sleep(every_s)
    raise TimeoutError(f"等待超时 / waited in vain for: {what}")
