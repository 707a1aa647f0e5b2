"""RabbitMQ's management API, as far as tests, demonstrations and measurements need it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
import urllib3

TIMEOUT_S = 10.0


class ManagementError(Exception):
    """The API refused or did not answer."""


class Management:
    """The API at ``base_url`` (``http://host:port``) as one user."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        self._api = base_url.rstrip("/") + "/api/"
        self._headers = urllib3.make_headers(basic_auth=f"{user}:{password}") | {"Content-Type": "application/json"}
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def create_vhost(self, name: str) -> None:
        """Create a virtual host; the calling user gets every permission in it."""
        self._call("PUT", f"vhosts/{_q(name)}", {})

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with everything in it."""
        self._call("DELETE", f"vhosts/{_q(name)}")

    def create_user(self, name: str, password: str, *, tags: str = "") -> None:
        """Create a user, or change the password."""
        self._call("PUT", f"users/{_q(name)}", {"password": password, "tags": tags})

    def delete_user(self, name: str) -> None:
        """Delete a user."""
        self._call("DELETE", f"users/{_q(name)}")

    def set_permissions(self, vhost: str, user: str, *, configure: str, write: str, read: str) -> None:
        """Permissions of ``user`` in ``vhost``, each a regular expression over names."""
        body = {"configure": configure, "write": write, "read": read}
        self._call("PUT", f"permissions/{_q(vhost)}/{_q(user)}", body)

    def queue(self, vhost: str, name: str) -> dict[str, Any] | None:
        """A queue with its counters, which lag by ``collect_statistics_interval``; None if there is none."""
        found: dict[str, Any] | None = self._call("GET", f"queues/{_q(vhost)}/{_q(name)}")
        return found

    def nodes(self) -> list[str]:
        """Names of the nodes that run, sorted."""
        return sorted(node["name"] for node in self._call("GET", "nodes") if node["running"])

    def binding_keys(self, vhost: str, exchange: str, queue: str) -> list[str]:
        """Routing keys with which a queue is bound to an exchange."""
        found = self._call("GET", f"bindings/{_q(vhost)}/e/{_q(exchange)}/q/{_q(queue)}") or []
        return [binding["routing_key"] for binding in found]

    def take(self, vhost: str, queue: str, *, count: int = 100) -> list[dict[str, Any]]:
        """Take up to ``count`` messages off a queue; ``payload`` is text, or base64 as ``payload_encoding`` says."""
        body = {"count": count, "ackmode": "ack_requeue_false", "encoding": "auto"}
        taken: list[dict[str, Any]] = self._call("POST", f"queues/{_q(vhost)}/{_q(queue)}/get", body)
        return taken

    def connections(self, vhost: str) -> list[dict[str, Any]]:
        """Open client connections of a virtual host."""
        found: list[dict[str, Any]] = self._call("GET", f"vhosts/{_q(vhost)}/connections")
        return found

    def close_connection(self, name: str) -> None:
        """Close a client's connection from the broker's side."""
        self._call("DELETE", f"connections/{_q(name)}")

    def acknowledged(self) -> int:
        """Messages that consumers have acknowledged since the broker started; lags like ``queue``."""
        stats: dict[str, int] = self._call("GET", "overview")["message_stats"]
        return stats.get("ack", 0)

    def alive(self) -> bool:
        """True when the broker and the API answer."""
        try:
            self._call("GET", "overview")
        except ManagementError:
            return False
        return True

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        sent = None if body is None else msgspec.json.encode(body)
        try:
            response = self._pool.request(method, self._api + path, body=sent, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise ManagementError(f"{method} {path}: {error}") from error
        if response.status == 404 and method in ("GET", "DELETE"):
            return None
        if response.status >= 300:
            raise ManagementError(f"{method} {path}: {response.status} {response.data.decode(errors='replace')[:500]}")
        return msgspec.json.decode(response.data) if response.data else None


def _q(name: str) -> str:
    return quote(name, safe="")
