"""Prepare a RabbitMQ broker: the core's virtual host and users, and a virtual host and user for each department.

Through the management API; may be run again at any time, also to change passwords. RabbitMQ 3.10 and 4.x.
``python -m gateway.provision`` reads TONGBAN_RABBITMQ_API, TONGBAN_RABBITMQ_ADMIN (``user:password``),
TONGBAN_SERVICE_PASSWORDS and TONGBAN_DEPARTMENT_PASSWORDS (``name=password,…``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
import urllib3

from contracts.registry import EVENTS

CORE_VHOST = "tongban"
SERVICES = ("identity", "catalog", "workflow", "documents", "audit", "gateway")
EVENTS_EXCHANGE = "tongban.events"
UNREADABLE = "tongban.unreadable"
NEVER = "^$"

QUORUM = {"x-queue-type": "quorum"}
# A broker's own limit (20 on 4.x) would drop what was only handed back; the number is past any real count.
UNLIMITED = {"x-delivery-limit": 1_000_000}
# Tasks and rejections are doorbells: the oldest may go, for workflow rings again. Answers are refused at the limit
# instead, so that a flood stops at its sender.
DEPARTMENT_QUEUES: dict[str, dict[str, Any]] = {
    "tasks": QUORUM | UNLIMITED | {"x-max-length": 100_000},
    "rejected": QUORUM | UNLIMITED | {"x-max-length": 10_000},
    "answers": QUORUM | UNLIMITED | {"x-max-length-bytes": 64 << 20, "x-overflow": "reject-publish"},
}
# The virtual host has room for bridges when its department has used up its own connections.
USER_LIMITS = {"max-connections": 32, "max-channels": 128}
VHOST_LIMITS = {"max-connections": 48, "max-queues": len(DEPARTMENT_QUEUES)}
TIMEOUT_S = 10.0


class ProvisionError(Exception):
    """The broker refused, or something else stands in the way; the message says what."""


def provision(
    management_url: str, admin: tuple[str, str], services: Mapping[str, str], departments: Mapping[str, str]
) -> None:
    """Create or correct everything. ``admin`` is (user, password); the mappings are name -> password.

    Raises ProvisionError. Users and virtual hosts that are not named are left alone.
    """
    if shared := set(services) & set(departments):
        raise ProvisionError(f"部门代码与服务同名 / department code is a service's name: {', '.join(sorted(shared))}")
    if unknown := set(services) - set(SERVICES):
        raise ProvisionError(f"没有这个服务 / no such service: {', '.join(sorted(unknown))}")
    api = _Api(management_url, admin)
    _core(api, admin[0])
    for name, password in services.items():
        _service(api, name, password)
    for code, password in departments.items():
        _department(api, code, password, admin[0], has_gateway="gateway" in services)


def _core(api: _Api, admin: str) -> None:
    api.put(f"vhosts/{CORE_VHOST}", {})
    api.put(f"permissions/{CORE_VHOST}/{_q(admin)}", {"configure": ".*", "write": ".*", "read": ".*"})
    api.put(f"exchanges/{CORE_VHOST}/{EVENTS_EXCHANGE}", {"type": "topic", "durable": True})
    api.put(f"exchanges/{CORE_VHOST}/{UNREADABLE}", {"type": "fanout", "durable": True})
    api.put(f"queues/{CORE_VHOST}/{UNREADABLE}", {"durable": True, "arguments": QUORUM})
    api.post(f"bindings/{CORE_VHOST}/e/{UNREADABLE}/q/{UNREADABLE}", {"routing_key": ""})


def _service(api: _Api, name: str, password: str) -> None:
    """A service has its own queues (``<name>.…``) and may tell its own events, by type."""
    own = rf"^({name}\..+|tongban\.(events|unreadable))$"
    owner = "department" if name == "gateway" else name
    tells = [event_type.replace(".", r"\.") for event_type, spec in EVENTS.items() if spec.owner == owner]
    api.put(f"users/{name}", {"password": password, "tags": ""})
    api.put(f"permissions/{CORE_VHOST}/{name}", {"configure": own, "write": own, "read": own})
    api.put(
        f"topic-permissions/{CORE_VHOST}/{name}",
        {"exchange": EVENTS_EXCHANGE, "write": f"^({'|'.join(tells)})$", "read": ".*"},
    )


def _department(api: _Api, code: str, password: str, admin: str, *, has_gateway: bool) -> None:
    """A department sees its own virtual host, puts in at ``out`` and takes from ``tasks`` and ``rejected``."""
    vhost = _q(f"d.{code}")
    api.put(f"vhosts/{vhost}", {})
    api.put(f"permissions/{vhost}/{_q(admin)}", {"configure": ".*", "write": ".*", "read": ".*"})
    for queue, arguments in DEPARTMENT_QUEUES.items():
        api.put(f"queues/{vhost}/{queue}", {"durable": True, "arguments": arguments})
    api.put(f"exchanges/{vhost}/out", {"type": "fanout", "durable": True})
    api.post(f"bindings/{vhost}/e/out/q/answers", {"routing_key": ""})
    for limit, value in VHOST_LIMITS.items():
        api.put(f"vhost-limits/{vhost}/{limit}", {"value": value})
    api.put(f"users/{_q(code)}", {"password": password, "tags": ""})
    for limit, value in USER_LIMITS.items():
        api.put(f"user-limits/{_q(code)}/{limit}", {"value": value})
    rights = {"configure": NEVER, "write": "^out$", "read": "^(tasks|rejected)$"}
    api.put(f"permissions/{vhost}/{_q(code)}", rights)
    if has_gateway:
        rights = {"configure": NEVER, "write": r"^amq\.default$", "read": "^answers$"}
        api.put(f"permissions/{vhost}/gateway", rights)


class _Api:
    """The management API, to the extent used here."""

    def __init__(self, url: str, admin: tuple[str, str]) -> None:
        self._url = url.rstrip("/") + "/api/"
        self._headers = urllib3.make_headers(basic_auth=":".join(admin)) | {"Content-Type": "application/json"}
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=urllib3.Retry(3, status=0, redirect=0))

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        self._call("PUT", path, body)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        sent = msgspec.json.encode(body)
        try:
            response = self._pool.request(method, self._url + path, body=sent, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise ProvisionError(f"消息服务不应答 / the broker does not answer: {method} {path}: {error}") from error
        if response.status >= 300:
            raise ProvisionError(f"{method} {path}: {response.status} {response.data.decode(errors='replace')[:500]}")


def _q(name: str) -> str:
    return quote(name, safe="")


def _pairs(name: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in os.environ.get(name, "").split(",") if pair.strip()]
    if not all(key.strip() and sign and value for key, sign, value in pairs):
        raise ProvisionError(f"设置有误 / settings are wrong: {name}: name=password,…")
    return {key.strip(): value for key, _sign, value in pairs}


def main() -> None:
    """Provision from the environment. Exit status 2 with a sentence when it cannot."""
    user, _, password = os.environ.get("TONGBAN_RABBITMQ_ADMIN", "guest:guest").partition(":")
    try:
        services, departments = _pairs("TONGBAN_SERVICE_PASSWORDS"), _pairs("TONGBAN_DEPARTMENT_PASSWORDS")
        url = os.environ.get("TONGBAN_RABBITMQ_API", "http://127.0.0.1:15672")
        provision(url, (user, password), services, departments)
    except ProvisionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
