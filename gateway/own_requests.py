"""What the gateway itself asks a service, in its own name: a token of its own kind, and no caller's rights."""

from __future__ import annotations

import http.client
import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from werkzeug.test import Client

from chassis.discovery import Directory, Endpoint, Local
from gateway.internal_tokens import InternalTokens

TIMEOUT_S = 3.0


def own_requests(
    directory: Directory, tokens: InternalTokens, service: str
) -> Callable[[str, str, Any, str | None], Any]:
    """A function of method, target, JSON body or None, and Idempotency-Key or None, that gives the JSON answer.

    It raises OSError when nobody answers with a status below 300.
    """

    def ask(method: str, target: str, body: Any, key: str | None) -> Any:
        headers = {"Authorization": f"Bearer {tokens.own(service)}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        content = b"" if body is None else msgspec.json.encode(body)
        trouble = OSError(f"{service}: no instance")
        for endpoint in random.sample(known := directory.instances(service), len(known)):
            try:
                status, answer = _exchange(endpoint, method, target, headers, content)
            except OSError as error:
                trouble = error
                continue
            if status < 300:
                return _decoded(answer)
            trouble = OSError(f"{method} {target}: {status}")
        raise trouble

    return ask


def _exchange(
    endpoint: Endpoint, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, bytes]:
    if isinstance(endpoint, Local):
        response = Client(endpoint.app).open(target, method=method, headers=dict(headers), data=body)
        return response.status_code, response.get_data()
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{method} {target}: {error!r}") from error
    finally:
        connection.close()


def _decoded(answer: bytes) -> Any:
    try:
        return msgspec.json.decode(answer)
    except msgspec.DecodeError as error:
        raise OSError("the answer is not JSON") from error
