"""A Consul agent of one's own, in development mode: in memory, a server by itself, without DNS."""

from __future__ import annotations

import urllib.request
from pathlib import Path

from localservers.consul_package import consul_program
from localservers.ports import free_port
from localservers.server import Server

WATCHED = 'telemetry { prometheus_retention_time = "60s" }'


class Consul(Server):
    """An agent on free ports of 127.0.0.1. It forgets everything when it ends, and after ``restart`` knows nothing."""

    package = "consul"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._ports = {name: free_port() for name in ("http", "server", "serf-lan", "serf-wan")}
        self.address = f"127.0.0.1:{self._ports['http']}"
        self.url = f"http://{self.address}"

    def put(self, key: str, value: str) -> None:
        """Set a key."""
        self._ask("PUT", f"/v1/kv/{key}", value.encode())

    def delete(self, key: str) -> None:
        """Delete a key."""
        self._ask("DELETE", f"/v1/kv/{key}")

    def _command(self) -> list[str]:
        ports = [f"-{name}-port={port}" for name, port in self._ports.items()]
        off = [f"-{name}-port=-1" for name in ("dns", "grpc", "https")]
        return [
            str(consul_program()), "agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", "-node=local",
            "-disable-host-node-id", "-log-level=info", f"-hcl={WATCHED}", *ports, *off,
        ]  # fmt: skip

    def _ready(self) -> bool:
        try:
            return len(self._ask("GET", "/v1/status/leader")) > len('""\n')
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, data=body, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content
