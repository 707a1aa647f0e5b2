"""``python -m gateway`` as its own process, in front of a service that tells what reached it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localservers.ports import free_port
from tests.support import ISSUER, Tokens

tokens = Tokens()
HEADERS = tokens.headers("cases:read")


@dataclass
class Door:
    port: int
    process: subprocess.Popen[bytes]

    def ask(self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, target, body=body, headers=HEADERS | (headers or {}))
        answer = connection.getresponse()
        got = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return got

    def told(self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        status, _, got = self.ask(method, target, body, headers)
        assert status == 200, got
        return json.loads(got)

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are and read to the end of the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request)
            got = b""
            while data := connection.recv(65536):
                got += data
            return got

    def peak_memory_bytes(self) -> int:
        """Largest resident size so far of the server's worker process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        peaks = [
            int(line.split()[1]) * 1024
            for child in children
            for line in Path(f"/proc/{child}/status").read_text().splitlines()
            if line.startswith("VmHWM:")
        ]
        return max(peaks)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")


@contextmanager
def open_door(folder: Path, **settings: str) -> Iterator[Door]:
    """A gateway with its data in ``folder`` and ``TONGBAN_*`` settings. It has to end well."""
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps(tokens.jwks()))
    service_port, port = free_port(), free_port()
    address = f"http://127.0.0.1:{service_port}"
    names = ("identity", "catalog", "workflow", "documents", "audit")
    environment = os.environ | {
        "TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{port}",
        "TONGBAN_DATA_DIR": str(folder / "data"),
        "TONGBAN_SERVICES": ",".join(f"{name}={address}" for name in names),
        "HTTP_PROXY": "http://proxy.invalid:3128",
        "TONGBAN_ISSUER": ISSUER,
        **settings,
    }
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "serve_echo.py"), str(service_port), str(jwks)], stderr=log
        )
        gateway = subprocess.Popen([sys.executable, "-m", "gateway", "--role", "web"], env=environment, stderr=log)
        try:
            wait_for(service_port, service)
            wait_for(port, gateway)
            yield Door(port, gateway)
        finally:
            for process in (gateway, service):
                process.send_signal(signal.SIGTERM)
            for process in (gateway, service):
                process.wait(30)
    assert gateway.returncode == 0
