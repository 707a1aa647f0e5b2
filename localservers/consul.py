"""A Consul agent of one's own, in development mode: in memory, a server by itself, without DNS."""

from __future__ import annotations

import os
import signal
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from localservers.child import Child
from localservers.consul_package import consul_program
from localservers.ports import free_port
from localservers.requirements import require

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


class Consul:
    """An agent on free ports of 127.0.0.1; its log lies in ``folder``. It forgets everything when it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = {name: free_port() for name in ("http", "server", "serf-lan", "serf-wan")}
        self._child: Child | None = None
        self.url = f"http://127.0.0.1:{self._ports['http']}"

    def __enter__(self) -> Self:
        """Start; returns when it has a leader. Raises ServerMissing or ServerDied."""
        require("consul")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop(signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)

    def kill(self) -> None:
        """kill -9: what was registered is lost."""
        assert self._child is not None
        self._child.kill()

    def restart(self) -> None:
        """Start again after ``kill``, on the same ports and knowing nothing."""
        ports = [f"-{name}-port={port}" for name, port in self._ports.items()]
        off = [f"-{name}-port=-1" for name in ("dns", "grpc", "https")]
        command = [
            str(consul_program()), "agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", "-node=local",
            "-disable-host-node-id", *ports, *off,
        ]  # fmt: skip
        self._child = Child(command, self._folder / "consul.log", environment=os.environ)
        self._child.wait_until(self._has_leader, timeout_s=READY_TIMEOUT_S)

    def put(self, key: str, value: str) -> None:
        """Set a key."""
        self._ask("PUT", f"/v1/kv/{key}", value.encode())

    def delete(self, key: str) -> None:
        """Delete a key."""
        self._ask("DELETE", f"/v1/kv/{key}")

    def _has_leader(self) -> bool:
        try:
            return len(self._ask("GET", "/v1/status/leader")) > len('""\n')
        except OSError:
            return False

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, data=body, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content
