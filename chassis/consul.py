"""A Consul agent's HTTP API, the few calls that we need: the only code that speaks to Consul.

Source: https://developer.hashicorp.com/consul/api-docs (agent/service, health, kv, features/blocking).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import urllib3

CALL_TIMEOUT_S = 3.0
CHECK_INTERVAL = "2s"
CHECK_TIMEOUT = "2s"
FORGOTTEN_AFTER = "10m"  # an instance that was killed and never came back


class AgentAway(Exception):
    """The agent does not answer, or cannot (it has no leader)."""


@dataclass(frozen=True)
class Registration:
    """One instance of a service, as others reach it. Consul asks its ``/health/ready?own``: for a gateway that leaves the
    services behind it out.
    """

    service: str
    host: str
    port: int
    tls: bool = False

    @property
    def instance(self) -> str:
        """The id under which the agent knows it: the same after a restart of the process."""
        return f"{self.service}-{self.host}-{self.port}"


@dataclass(frozen=True)
class Registered:
    """An instance as the catalogue has it. ``passing``: no check of it, nor of its node, is critical."""

    host: str
    port: int
    passing: bool


class Agent:
    """Safe for threads. Every call raises AgentAway."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"X-Consul-Token": token} if token else {}
        self._http = urllib3.PoolManager(maxsize=16, retries=False)

    def register(self, registration: Registration) -> None:
        """Make the instance known, or renew what is known of it."""
        host = f"[{registration.host}]" if ":" in registration.host else registration.host
        scheme = "https" if registration.tls else "http"
        body = {
            "ID": registration.instance,
            "Name": registration.service,
            "Address": registration.host,
            "Port": registration.port,
            "Check": {
                "HTTP": f"{scheme}://{host}:{registration.port}/health/ready?own",
                "TLSSkipVerify": True,
                "Interval": CHECK_INTERVAL,
                "Timeout": CHECK_TIMEOUT,
                "DeregisterCriticalServiceAfter": FORGOTTEN_AFTER,
            },
        }
        self._call("PUT", "/v1/agent/service/register", body=body)

    def knows(self, registration: Registration) -> bool:
        """Whether the instance is registered with this agent."""
        return self._call("GET", f"/v1/agent/service/{registration.instance}", missing=True).status == 200

    def deregister(self, registration: Registration) -> None:
        """Take the instance off the list; one that is not on it is left alone."""
        self._call("PUT", f"/v1/agent/service/deregister/{registration.instance}", missing=True)

    def instances(self, service: str, index: int, wait_s: float) -> tuple[int, list[Registered]]:
        """All instances, passing or not, and the index of this answer. Waits up to ``wait_s`` for news after ``index``."""
        answer = self._call("GET", f"/v1/health/service/{service}", index=index, wait_s=wait_s)
        return _index(answer), [_registered(entry) for entry in msgspec.json.decode(answer.data)]

    def values(self, prefix: str, index: int, wait_s: float) -> tuple[int, dict[str, str]]:
        """Keys below ``prefix``, without it, and their values; waits like ``instances``."""
        answer = self._call("GET", f"/v1/kv/{prefix}?recurse=true", index=index, wait_s=wait_s, missing=True)
        entries = msgspec.json.decode(answer.data) if answer.status == 200 else []
        found = {
            entry["Key"].removeprefix(prefix): base64.b64decode(entry["Value"]).decode(errors="replace")
            for entry in entries
            if entry["Value"] is not None
        }
        return _index(answer), found

    def _call(
        self, method: str, path: str, *, body: Any = None, index: int = 0, wait_s: float = 0.0, missing: bool = False
    ) -> urllib3.BaseHTTPResponse:
        if index:
            path += f"{'&' if '?' in path else '?'}index={index}&wait={round(wait_s * 1000)}ms"
        # Consul adds up to a sixteenth to the wait, so that waiting clients do not all wake at once.
        timeout = urllib3.Timeout(connect=CALL_TIMEOUT_S, read=CALL_TIMEOUT_S + (wait_s * 17 / 16 if index else 0.0))
        try:
            answer = self._http.request(
                method, self._url + path, body=None if body is None else msgspec.json.encode(body),
                headers=self._headers, timeout=timeout, redirect=False,
            )  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise AgentAway(f"{method} {path}: {error!r}") from error
        if answer.status != 200 and not (missing and answer.status == 404):
            raise AgentAway(f"{method} {path}: {answer.status} {answer.data[:200].decode(errors='replace')}")
        return answer


def _index(answer: urllib3.BaseHTTPResponse) -> int:
    return max(1, int(answer.headers.get("X-Consul-Index", "1")))  # with 0 the next question would not wait


def _registered(entry: Mapping[str, Any]) -> Registered:
    service = entry["Service"]
    passing = all(check["Status"] != "critical" for check in entry["Checks"])
    return Registered(service["Address"] or entry["Node"]["Address"], service["Port"], passing)
