"""What services show everybody, such as public keys: the only thing that one asks of another."""

from __future__ import annotations

import http.client
import random
from collections.abc import Mapping
from typing import Any

import msgspec
from werkzeug.test import Client

from chassis.discovery import Directory, Endpoint, Local

FETCH_TIMEOUT_S = 5.0


def fetch_json(endpoint: Endpoint, path: str) -> Any:
    """GET a public document. Raises OSError when the service does not answer with 200."""
    status, _, body = _get(endpoint, path, {}, FETCH_TIMEOUT_S)
    if status != 200:
        raise OSError(f"GET {path}: {status}")
    return msgspec.json.decode(body)


def _get(endpoint: Endpoint, path: str, headers: Mapping[str, str], timeout_s: float) -> tuple[int, str, bytes]:
    """Status, entity tag (empty: none) and body. Raises OSError."""
    if isinstance(endpoint, Local):
        response = Client(endpoint.app).get(path, headers=dict(headers))
        return response.status_code, response.headers.get("ETag", ""), response.get_data()
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.headers.get("ETag", ""), answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"GET {path}: {error!r}") from error
    finally:
        connection.close()


def fetch_public(directory: Directory, service: str, path: str) -> Any:
    """What a service shows everybody, such as its public keys, from whichever instance answers. Raises OSError."""
    trouble = OSError(f"{service}: no instance")
    for endpoint in random.sample(known := directory.instances(service), len(known)):
        try:
            return fetch_json(endpoint, path)
        except OSError as error:
            trouble = error
    raise trouble


def fetch_changed(directory: Directory, service: str, path: str, tag: str, timeout_s: float) -> tuple[str, Any] | None:
    """What a service shows everybody, with its entity tag; None while it is still what had ``tag``. Raises OSError."""
    trouble = OSError(f"{service}: no instance")
    for endpoint in random.sample(known := directory.instances(service), len(known)):
        try:
            status, new_tag, body = _get(endpoint, path, {"If-None-Match": tag} if tag else {}, timeout_s)
        except OSError as error:
            trouble = error
            continue
        if status == 304:
            return None
        if status == 200:
            return new_tag, msgspec.json.decode(body)
        trouble = OSError(f"GET {path}: {status}")
    raise trouble
