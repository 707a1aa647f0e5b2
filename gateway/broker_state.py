"""What a broker has now, in the words of the plan: read once from the management API's export of definitions."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from gateway.broker_plan import MARK, Resource

_SALT_BYTES = 4
_HASHES = {"rabbit_password_hashing_sha256": hashlib.sha256, "rabbit_password_hashing_sha512": hashlib.sha512}
_RIGHTS = ("configure", "write", "read")

Definitions = Mapping[str, Any]


class State:
    """Resources by path. Made of the answer to ``GET /api/definitions``."""

    def __init__(self, definitions: Definitions) -> None:
        self._bodies: dict[str, Mapping[str, Any]] = {}
        for read in _READERS:
            self._bodies.update(read(definitions))

    def has(self, path: str) -> bool:
        """Whether there is such a resource, however it is."""
        return path in self._bodies

    def agrees(self, resource: Resource) -> bool:
        """Whether it is there as the plan wants it."""
        found = self._bodies.get(resource.path)
        if found is None:
            return False
        wanted = dict(resource.body)
        password = wanted.pop("password", None)
        return all(found.get(name) == value for name, value in wanted.items()) and (
            password is None or _is_password(password, found)
        )

    def tags(self, user: str) -> frozenset[str] | None:
        """Tags of a user; None when there is no such user."""
        body = self._bodies.get(f"users/{_q(user)}")
        return None if body is None else frozenset(filter(None, body["tags"].split(",")))

    def marked_users(self) -> list[str]:
        """Users that were made from a plan."""
        return [body["name"] for path, body in self._bodies.items() if path.startswith("users/") and _marked(body)]

    def vhosts(self) -> list[str]:
        """Names of the virtual hosts."""
        return [body["name"] for path, body in self._bodies.items() if path.startswith("vhosts/")]


def _marked(body: Mapping[str, Any]) -> bool:
    return MARK in body["tags"].split(",")


def _is_password(password: str, user: Mapping[str, Any]) -> bool:
    """A broker keeps base64(salt + hash(salt + password))."""
    algorithm = _HASHES.get(user["hashing_algorithm"])
    stored = base64.b64decode(user["password_hash"] or "")
    if algorithm is None or not stored:
        return False
    salt = stored[:_SALT_BYTES]
    return hmac.compare_digest(algorithm(salt + password.encode()).digest(), stored[_SALT_BYTES:])


Bodies = Iterator[tuple[str, Mapping[str, Any]]]


def _vhosts(definitions: Definitions) -> Bodies:
    for row in definitions.get("vhosts", ()):
        yield f"vhosts/{_q(row['name'])}", row


def _users(definitions: Definitions) -> Bodies:
    for row in definitions.get("users", ()):
        tags = row["tags"] if isinstance(row["tags"], str) else ",".join(row["tags"])
        yield f"users/{_q(row['name'])}", row | {"tags": tags}
        for limit, value in row.get("limits", {}).items():
            yield f"user-limits/{_q(row['name'])}/{limit}", {"value": value}


def _permissions(definitions: Definitions) -> Bodies:
    for row in definitions.get("permissions", ()):
        yield f"permissions/{_q(row['vhost'])}/{_q(row['user'])}", {name: row[name] for name in _RIGHTS}
    for row in definitions.get("topic_permissions", ()):
        yield f"topic-permissions/{_q(row['vhost'])}/{_q(row['user'])}", row


def _topology(definitions: Definitions) -> Bodies:
    for kind in ("exchanges", "queues"):
        for row in definitions.get(kind, ()):
            yield f"{kind}/{_q(row['vhost'])}/{_q(row['name'])}", row
    for row in definitions.get("bindings", ()):
        if row["destination_type"] == "queue" and not row["routing_key"]:
            ends = f"e/{_q(row['source'])}/q/{_q(row['destination'])}"
            yield f"bindings/{_q(row['vhost'])}/{ends}", row


def _limits_and_policies(definitions: Definitions) -> Bodies:
    for row in definitions.get("policies", ()):
        yield f"policies/{_q(row['vhost'])}/{_q(row['name'])}", row
    for row in definitions.get("parameters", ()):
        if row["component"] == "vhost-limits":
            for limit, value in row["value"].items():
                yield f"vhost-limits/{_q(row['vhost'])}/{limit}", {"value": value}


_READERS: tuple[Callable[[Definitions], Bodies], ...] = (
    _vhosts,
    _users,
    _permissions,
    _topology,
    _limits_and_policies,
)


def _q(name: str) -> str:
    return quote(name, safe="")
