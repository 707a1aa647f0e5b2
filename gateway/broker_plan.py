"""What a broker must have: the core's virtual host, the services' users, and a door for each department.

Everything is a resource of RabbitMQ's management API, so that it can be compared with what is there. RabbitMQ 3.10 and 4.x.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from contracts.registry import EVENTS

CORE_VHOST = "tongban"
SERVICES = ("identity", "catalog", "workflow", "documents", "audit", "gateway")
EVENTS_EXCHANGE = "tongban.events"
UNREADABLE = "tongban.unreadable"
DOOR_VHOST = "d."
DEPARTMENT_CODE = r"[a-z][a-z0-9_]{1,30}"
MARK = "tongban"
"""A tag that gives no rights: it tells the users that were made here from all others."""

LOG_VHOST = "/"
LOG_EXCHANGE = "amq.rabbitmq.log"
REFUSALS_QUEUE = "gateway.refusals"

NEVER = "^$"
ALWAYS = ".*"
ALL_RIGHTS = {"configure": ALWAYS, "write": ALWAYS, "read": ALWAYS}
QUORUM = {"x-queue-type": "quorum"}
DEPARTMENT_QUEUES = ("tasks", "rejected", "answers")

# A broker's own limit (20 on 4.x) would drop what was only handed back; the number is past any real count.
UNLIMITED_DELIVERIES = 1_000_000
_UNLIMITED = {"delivery-limit": UNLIMITED_DELIVERIES}
# Tasks and rejections are doorbells: the oldest may go, for workflow rings again. Answers are refused at the limit
# instead, so that a flood stops at its sender.
POLICIES: dict[str, dict[str, Any]] = {
    "tasks": _UNLIMITED | {"max-length": 100_000},
    "rejected": _UNLIMITED | {"max-length": 10_000},
    "answers": _UNLIMITED | {"max-length-bytes": 64 << 20, "overflow": "reject-publish"},
}
# The virtual host has room for bridges when its department has used up its own connections.
USER_LIMITS = {"max-connections": 32, "max-channels": 128}
VHOST_LIMITS = {"max-connections": 48, "max-queues": len(DEPARTMENT_QUEUES)}


@dataclass(frozen=True)
class Resource:
    """``path`` under ``/api/`` names it, ``body`` says how it shall be. ``factory``: made by POST, for it has no name."""

    path: str
    body: Mapping[str, Any]
    factory: bool = False

    @property
    def title(self) -> str:
        """The path as people read it."""
        return unquote(self.path)


def core(admin: str) -> Iterator[Resource]:
    """The core's virtual host with its two exchanges."""
    yield from _vhost(CORE_VHOST, admin)
    yield _exchange(CORE_VHOST, EVENTS_EXCHANGE, "topic")
    yield _exchange(CORE_VHOST, UNREADABLE, "fanout")
    yield _queue(CORE_VHOST, UNREADABLE)
    yield _binding(CORE_VHOST, UNREADABLE, UNREADABLE)


def service(name: str, password: str) -> Iterator[Resource]:
    """A service has its own queues (``<name>.…``) and may tell its own events, by type. What all share is made here, and no
    service may make, change or delete it: it puts in at both exchanges and binds its queues to the one of events.
    """
    own = rf"{name}\..+"
    rights = {
        "configure": f"^{own}$",
        "write": rf"^({own}|tongban\.(events|unreadable))$",
        "read": rf"^({own}|tongban\.events)$",
    }
    owner = "department" if name == "gateway" else name
    tells = [event_type.replace(".", r"\.") for event_type, spec in EVENTS.items() if spec.owner == owner]
    yield _user(name, password)
    yield Resource(f"permissions/{CORE_VHOST}/{name}", rights)
    topics = {"exchange": EVENTS_EXCHANGE, "write": f"^({'|'.join(tells)})$", "read": ALWAYS}
    yield Resource(f"topic-permissions/{CORE_VHOST}/{name}", topics)


def log_reader() -> Resource:
    """The gateway reads the broker's own log."""
    own = rf"^{re.escape(REFUSALS_QUEUE)}$"
    read = rf"^({re.escape(REFUSALS_QUEUE)}|{re.escape(LOG_EXCHANGE)})$"
    return Resource(f"permissions/{_q(LOG_VHOST)}/gateway", {"configure": own, "write": own, "read": read})


def department(code: str, password: str, admin: str, *, bridged: bool) -> Iterator[Resource]:
    """A department sees its own virtual host, puts in at ``out`` and takes from ``tasks`` and ``rejected``.

    ``bridged``: the gateway has a user, and gets its rights in there.
    """
    name = door_vhost(code)
    vhost, user = _q(name), _q(code)
    yield from _vhost(name, admin)
    for queue, definition in POLICIES.items():
        policy = {"pattern": f"^{queue}$", "definition": definition, "priority": 0, "apply-to": "queues"}
        yield Resource(f"policies/{vhost}/{queue}", policy)
    for queue in DEPARTMENT_QUEUES:
        yield _queue(name, queue)
    yield _exchange(name, "out", "fanout")
    yield _binding(name, "out", "answers")
    for limit, value in VHOST_LIMITS.items():
        yield Resource(f"vhost-limits/{vhost}/{limit}", {"value": value})
    yield _user(code, password)
    for limit, value in USER_LIMITS.items():
        yield Resource(f"user-limits/{user}/{limit}", {"value": value})
    rights = {"configure": NEVER, "write": "^out$", "read": "^(tasks|rejected)$"}
    yield Resource(f"permissions/{vhost}/{user}", rights)
    if bridged:
        rights = {"configure": NEVER, "write": r"^amq\.default$", "read": "^answers$"}
        yield Resource(f"permissions/{vhost}/gateway", rights)


def door_vhost(code: str) -> str:
    """The virtual host of a department."""
    return DOOR_VHOST + code


def _vhost(name: str, admin: str) -> Iterator[Resource]:
    yield Resource(f"vhosts/{_q(name)}", {})
    yield Resource(f"permissions/{_q(name)}/{_q(admin)}", ALL_RIGHTS)


def _user(name: str, password: str) -> Resource:
    return Resource(f"users/{_q(name)}", {"password": password, "tags": MARK})


def _exchange(vhost: str, name: str, kind: str) -> Resource:
    return Resource(f"exchanges/{_q(vhost)}/{name}", {"type": kind, "durable": True})


def _queue(vhost: str, name: str) -> Resource:
    return Resource(f"queues/{_q(vhost)}/{name}", {"durable": True, "arguments": QUORUM})


def _binding(vhost: str, exchange: str, queue: str) -> Resource:
    return Resource(f"bindings/{_q(vhost)}/e/{exchange}/q/{queue}", {"routing_key": ""}, factory=True)


def _q(name: str) -> str:
    return quote(name, safe="")
