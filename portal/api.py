"""The public API as the portal uses it: through the gateway, over a socket or in this process."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import urllib3
from flask import has_request_context, request
from werkzeug.test import Client

from chassis.discovery import Directory, Local, ServiceUnknown

TIMEOUT_S = 35.0
CHUNK_BYTES = 64 * 1024
GATEWAY = "gateway"
_HARMLESS = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_POOL = urllib3.PoolManager(maxsize=32, timeout=TIMEOUT_S, retries=False)


class Problem(Exception):
    """The API refused, or could not be reached. ``code`` is stable; ``facts`` is the whole RFC 9457 body."""

    def __init__(self, status: int, code: str, detail: str, facts: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail, self.facts = status, code, detail, facts


@dataclass(frozen=True)
class Answer:
    """A response of status below 400. ``chunks`` may be taken once."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterable[bytes]

    def json(self) -> Any:
        """The whole body, decoded; None when there is none."""
        body = b"".join(self.chunks)
        return msgspec.json.decode(body) if body else None


@dataclass(frozen=True)
class Api:
    """Calls for one caller: ``token`` None is a stranger. Names in paths go in with ``path``, which quotes them."""

    directory: Directory
    token: str | None = None

    def get(self, address: str, **query: Any) -> Any:
        """JSON of a GET. Raises Problem."""
        return self.call("GET", address, query=query).json()

    def post(self, address: str, body: Any, *, key: str) -> Any:
        """JSON of a POST that carries ``key`` as its Idempotency-Key. Raises Problem."""
        return self.call("POST", address, json=body, headers={"Idempotency-Key": key}).json()

    def put(self, address: str, body: Any) -> Any:
        """JSON of a PUT. Raises Problem."""
        return self.call("PUT", address, json=body).json()

    def delete(self, address: str) -> None:
        """DELETE. Raises Problem."""
        self.call("DELETE", address).json()

    def call(
        self,
        method: str,
        address: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Any request; the answer's body comes as a stream. Raises Problem for a status from 400 on."""
        sent = dict(headers or {}) | _trace()
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        if json is not None:
            body, sent["Content-Type"] = msgspec.json.encode(json), "application/json"
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        target = f"{address}?{urlencode(given)}" if given else address
        answer = self._exchange(method, target, sent, body)
        if answer.status >= 400:
            raise _problem(answer)
        return answer

    def _exchange(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """From whichever gateway is there. What was sent is sent again only where that does no harm."""
        repeatable = method in _HARMLESS or "Idempotency-Key" in headers
        known = self.directory.instances(GATEWAY)
        trouble: Exception = ServiceUnknown(GATEWAY)
        twice = random.sample(known, len(known)) * 2  # a connection that was kept may be closed by now
        for endpoint in twice:
            if isinstance(endpoint, Local):
                return _in_process(endpoint, method, target, headers, body)
            try:
                address = f"http://{endpoint.host}:{endpoint.port}{target}"
                return _over_socket(method, address, headers, body, keep=repeatable)
            except urllib3.exceptions.NewConnectionError as error:
                trouble = error
            except urllib3.exceptions.ProtocolError as error:
                trouble = error
                if not repeatable:
                    break
            except urllib3.exceptions.HTTPError as error:
                trouble = error
                break
        raise Problem(503, "service_unavailable", "平台暂不可用 / the platform is not available", {}) from trouble


def path(*names: str) -> str:
    """``/api/v1/…`` with every name quoted: what people type cannot lead elsewhere."""
    return "/api/v1/" + "/".join(quote(name, safe="") for name in names)


def _trace() -> dict[str, str]:
    """What this call belongs to: the page that is being made. A stream goes on after its page."""
    found = request.environ.get("HTTP_TRACEPARENT") if has_request_context() else None
    return {"traceparent": found} if found else {}


def _in_process(endpoint: Local, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Answer:
    response = Client(endpoint.app).open(target, method=method, headers=headers, data=body, buffered=False)
    return Answer(response.status_code, dict(response.headers), response.iter_encoded())


def _over_socket(method: str, address: str, headers: dict[str, str], body: bytes | None, *, keep: bool) -> Answer:
    """``keep``: on a connection that may be kept from before, and closed by the gateway at any moment."""
    pool = _POOL if keep else urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)
    response = pool.request(method, address, headers=headers, body=body, preload_content=False, redirect=False)
    return Answer(response.status, response.headers, _stream(response))


def _stream(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from response.stream(CHUNK_BYTES)
    finally:
        response.release_conn()


def _problem(answer: Answer) -> Problem:
    try:
        facts = answer.json()
        return Problem(answer.status, str(facts["code"]), str(facts.get("detail") or ""), facts)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return Problem(answer.status, "unexpected", "", {})
