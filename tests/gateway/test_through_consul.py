"""The gateway as it is run, with a real Consul agent: services come and go, the agent too, and settings change."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from chassis.consul import Agent, Registration
from chassis.discovery import NAME_PREFIX, Announcement
from localservers.consul import Consul
from localservers.ports import free_port
from tests.chassis.rig import eventually
from tests.gateway.scripted import SocketService, response, socket_service


def named(name: bytes) -> AbstractContextManager[SocketService]:
    def talk(connection: socket.socket, service: SocketService) -> None:
        while service.read_request(connection):
            connection.sendall(response(name))

    return socket_service(talk)


@contextmanager
def announced(consul: Consul, service: str, port: int) -> Iterator[Announcement]:
    made = Announcement(Agent(consul.url), Registration(NAME_PREFIX + service, "127.0.0.1", port), renew_s=0.05)
    made.start()
    yield made
    made.withdraw()


class Door:
    def __init__(self, consul: Consul, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "gateway.log"
        environment = os.environ | {
            "TONGBAN_CONSUL": consul.url,
            "TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{self.port}",
            "TONGBAN_DATA_DIR": str(folder),
            "TONGBAN_TRUSTED_PROXIES": "127.0.0.1",
        }
        with self.log.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "gateway"], env=environment, stdout=out, stderr=out)

    def get(self, path: str, client: str = "203.0.113.1") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request("GET", path, headers={"X-Forwarded-For": client})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            return 0, b""
        finally:
            connection.close()


@pytest.fixture
def door(consul: Consul, tmp_path: Path) -> Iterator[Door]:
    made = Door(consul, tmp_path)
    yield made
    made.process.send_signal(signal.SIGTERM)
    assert made.process.wait(30) == 0


def test_services_the_agent_and_settings_come_and_go_while_the_gateway_runs(
    consul: Consul, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.consul.CHECK_INTERVAL", "1s")
    items = "/api/v1/items"
    eventually(lambda: door.get("/health/live")[0] == 200)
    assert door.get(items)[0] == 503, "nobody has registered"
    with named(b"one") as one, named(b"two") as two, announced(consul, "catalog", one.remote.port) as first:
        eventually(lambda: door.get(items) == (200, b"one"))
        with announced(consul, "catalog", two.remote.port):
            eventually(lambda: {door.get(items)[1] for _ in range(20)} == {b"one", b"two"})
            first.withdraw()
            eventually(lambda: {door.get(items)[1] for _ in range(20)} == {b"two"})
            consul.kill()
            assert {door.get(items) for _ in range(20)} == {(200, b"two")}, "the last good list"
            consul.restart()
            eventually(lambda: Agent(consul.url).instances("tongban-catalog", 0, 0)[1])
            eventually(lambda: Agent(consul.url).instances("tongban-gateway", 0, 0)[1])  # it renewed its own, too
            assert {door.get(items) for _ in range(20)} == {(200, b"two")}

            consul.put("tongban/settings/limits/address", "3/hour")
            eventually(lambda: door.get(items, "203.0.113.2")[0] == 429)
            consul.put("tongban/settings/limits/address", "nonsense")
            consul.put("tongban/settings/log_level", "ERROR")
            eventually(lambda: "settings_make_no_sense" in door.log.read_text())
            assert door.get(items, "203.0.113.2")[0] == 429, "nonsense changes nothing"
            consul.delete("tongban/settings/limits/address")
            consul.delete("tongban/settings/log_level")
            eventually(lambda: door.get(items, "203.0.113.2")[0] == 200)
