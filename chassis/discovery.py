"""Where a service is. A static list for now; the gateway and key sets ask here and nowhere else."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from werkzeug.test import Client

FETCH_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Remote:
    """A service behind a socket."""

    host: str
    port: int


@dataclass(frozen=True)
class Local:
    """A service in this process, as a WSGI application."""

    app: Any


Endpoint = Remote | Local


class ServiceUnknown(Exception):
    """No instance of the service is registered."""


class Directory(Protocol):
    """Finds one instance of a service."""

    def find(self, service: str) -> Endpoint:
        """An instance. Raises ServiceUnknown."""


class StaticDirectory:
    """Instances from a mapping of service name to ``http://host:port``."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._endpoints: dict[str, Endpoint] = {name: _remote(url) for name, url in addresses.items()}

    def add(self, service: str, endpoint: Endpoint) -> None:
        """Register an instance."""
        self._endpoints[service] = endpoint

    def find(self, service: str) -> Endpoint:
        """See Directory.find."""
        try:
            return self._endpoints[service]
        except KeyError:
            raise ServiceUnknown(service) from None


def _remote(url: str) -> Remote:
    parts = urlsplit(url)
    return Remote(parts.hostname or "127.0.0.1", parts.port or 80)


def fetch_json(endpoint: Endpoint, path: str) -> Any:
    """GET a public document. Raises OSError when the service does not answer with 200."""
    if isinstance(endpoint, Local):
        response = Client(endpoint.app).get(path)
        status, body = response.status_code, response.get_data()
    else:
        connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=FETCH_TIMEOUT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"GET {path}: {error!r}") from error
        finally:
            connection.close()
    if status != 200:
        raise OSError(f"GET {path}: {status}")
    return msgspec.json.decode(body)
