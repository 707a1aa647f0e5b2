"""HTTP with client credentials: token renewed before it expires, problem JSON as Refused, the rest tried again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3

from department_sdk.errors import Refused, Stopped, backoff_s

log = logging.getLogger(__name__)

RENEW_BEFORE_S = 30
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
TRY_AGAIN = frozenset({429, 500, 502, 503, 504})


class HttpClient:
    """Calls to the platform's API. A call waits out 429, 5xx and lost connections until ``stopping`` is set."""

    def __init__(
        self, base_url: str, client_id: str, client_secret: str, ca_file: Path | None, connections: int
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
            ca_certs=str(ca_file) if ca_file else None,
        )
        self._lock = threading.Lock()
        self._token, self._renew_at = "", 0.0
        self.stopping = threading.Event()

    def get(self, path: str) -> Any:
        """JSON of a resource. Raises Refused, Stopped."""
        return _json(self.call("GET", path))

    def post(self, path: str, body: Any, *, idempotency_key: str, traceparent: str | None = None) -> Any:
        """JSON of the answer. Raises Refused, Stopped."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        if traceparent is not None:
            headers["traceparent"] = traceparent
        return _json(self.call("POST", path, msgspec.json.encode(body), headers))

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """A response below 400. Raises Refused for what is refused, Stopped when stopping while it waits."""
        renewed = False
        while True:
            token = self._current_token()
            sent = {"Authorization": f"Bearer {token}", **(headers or {})}
            response = self._insist(method, path, body, sent, stream=stream)
            if response.status == 401 and not renewed:
                renewed = True
                response.drain_conn()
                self._drop(token)
                continue
            if response.status >= 400:
                raise _refusal(response)
            return response

    def _insist(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, stream: bool = False
    ) -> urllib3.BaseHTTPResponse:
        attempt = 0
        while not self.stopping.is_set():
            attempt += 1
            wait_s = backoff_s(attempt)
            try:
                url = self._base_url + path
                response = self._pool.request(method, url, body=body, headers=headers, preload_content=not stream)
            except urllib3.exceptions.HTTPError as error:
                log.warning("%s %s: %r, attempt %d", method, path, error, attempt)
            else:
                if response.status not in TRY_AGAIN:
                    return response
                response.drain_conn()
                log.warning("%s %s: status %d, attempt %d", method, path, response.status, attempt)
                wait_s = max(wait_s, _retry_after_s(response))
            self.stopping.wait(wait_s)
        raise Stopped

    def _current_token(self) -> str:
        with self._lock:
            if time.monotonic() >= self._renew_at:
                response = self._insist("POST", "/oauth2/token", *_token_request(self._credentials))
                if response.status >= 400:
                    raise _refusal(response)
                granted = _json(response)
                self._token = granted["access_token"]
                life_s = float(granted.get("expires_in", 0))
                self._renew_at = time.monotonic() + max(life_s - RENEW_BEFORE_S, life_s / 2)
            return self._token

    def _drop(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._renew_at = 0.0


def _token_request(credentials: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    body = urlencode({"grant_type": "client_credentials", **credentials}).encode()
    return body, {"Content-Type": "application/x-www-form-urlencoded"}


def _json(response: urllib3.BaseHTTPResponse) -> Any:
    return msgspec.json.decode(response.data) if response.data else None


def _refusal(response: urllib3.BaseHTTPResponse) -> Refused:
    try:
        problem = msgspec.json.decode(response.data, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    # The token endpoint speaks RFC 6749 §5.2, everything else RFC 9457.
    code = str(problem.get("code") or problem.get("error") or f"http_{response.status}")
    detail = str(problem.get("detail") or problem.get("error_description") or response.reason or "")
    if errors := problem.get("errors"):
        detail = f"{detail} {errors}"
    return Refused(code, detail, response.status)


def _retry_after_s(response: urllib3.BaseHTTPResponse) -> float:
    value = response.headers.get("Retry-After", "")
    return min(float(value), 60.0) if value.isdigit() else 0.0
