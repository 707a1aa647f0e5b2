"""Where a service is: from a list, and from a real Consul agent that is killed and comes back knowing nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chassis import discovery
from chassis.consul import Agent, AgentAway, Registration
from chassis.discovery import (
    NAME_PREFIX,
    Announcement,
    ConsulDirectory,
    Remote,
    ServiceUnknown,
    StaticDirectory,
)
from chassis.fetch import fetch_public
from localservers.consul import Consul
from localservers.ports import free_port
from tests.chassis.rig import eventually


class Service:
    """Answers ``/health/ready`` as it is told to, and anything else with its name."""

    def __init__(self) -> None:
        self.ready = True
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if service.ready else 503)
                self.end_headers()
                self.wfile.write(b'{"keys": []}')

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.remote = Remote("127.0.0.1", self.port)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def services() -> Iterator[tuple[Service, Service]]:
    pair = Service(), Service()
    yield pair
    for service in pair:
        service.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "AWAY_S", 0.05)
    monkeypatch.setattr("chassis.consul.CHECK_INTERVAL", "1s")


@contextmanager
def directory(consul: Consul, **static: str) -> Iterator[ConsulDirectory]:
    made = ConsulDirectory(Agent(consul.url), StaticDirectory(static))
    yield made
    made.close()


@contextmanager
def announced(consul: Consul, name: str, service: Service) -> Iterator[Announcement]:
    made = Announcement(Agent(consul.url), Registration(NAME_PREFIX + name, "127.0.0.1", service.port), renew_s=0.05)
    made.start()
    yield made
    made.withdraw()


def test_a_list_may_name_several_instances_of_a_service() -> None:
    static = StaticDirectory({"workflow": "http://a:1|http://b:2", "catalog": "http://c"})
    assert static.instances("workflow") == (Remote("a", 1), Remote("b", 2))
    assert {static.find("workflow") for _ in range(100)} == {Remote("a", 1), Remote("b", 2)}
    assert static.find("catalog") == Remote("c", 80)
    assert static.instances("audit") == ()
    with pytest.raises(ServiceUnknown):
        static.find("audit")


def test_keys_come_from_whichever_instance_answers(services: tuple[Service, Service]) -> None:
    static = StaticDirectory({"identity": f"http://127.0.0.1:{free_port()}|http://127.0.0.1:{services[0].port}"})
    for _ in range(10):
        assert fetch_public(static, "identity", "/api/v1/jwks") == {"keys": []}
    with pytest.raises(OSError, match="no instance"):
        fetch_public(static, "gateway", "/keys")


@pytest.mark.usefixtures("quick")
def test_an_instance_is_found_once_ready_and_not_after_it_was_withdrawn(
    consul: Consul, services: tuple[Service, Service]
) -> None:
    one, other = services
    with directory(consul) as found, announced(consul, "found", one) as first:
        assert eventually(lambda: found.instances("found")) == (one.remote,)
        with announced(consul, "found", other):
            eventually(lambda: set(found.instances("found")) == {one.remote, other.remote})
            assert found.instances("found") is found.instances("found"), "the same list as long as nothing changes"
        eventually(lambda: found.instances("found") == (one.remote,))
        first.withdraw()
        eventually(lambda: found.instances("found") == ())
        with pytest.raises(ServiceUnknown):
            found.find("found")


@pytest.mark.usefixtures("quick")
def test_who_fails_its_check_is_left_out_unless_all_do(consul: Consul, services: tuple[Service, Service]) -> None:
    one, other = services
    with directory(consul) as found, announced(consul, "sick", one), announced(consul, "sick", other):
        eventually(lambda: set(found.instances("sick")) == {one.remote, other.remote})
        eventually(lambda: all(known.passing for known in Agent(consul.url).instances("tongban-sick", 0, 0)[1]))
        other.ready = False
        eventually(lambda: found.instances("sick") == (one.remote,))
        one.ready = False
        eventually(lambda: set(found.instances("sick")) == {one.remote, other.remote})


@pytest.mark.usefixtures("quick")
def test_the_last_good_list_is_used_while_the_agent_is_away_and_when_it_has_forgotten_everything(
    consul: Consul, services: tuple[Service, Service]
) -> None:
    one, other = services
    with directory(consul) as found, announced(consul, "kept", one):
        eventually(lambda: found.instances("kept") == (one.remote,))
        seen: set[Any] = set()
        over = threading.Event()
        watching = threading.Thread(target=_watch, args=(found, seen, over))
        watching.start()
        consul.kill()
        with pytest.raises(AgentAway):
            Agent(consul.url).instances("tongban-kept", 0, 0)
        assert found.instances("kept") == (one.remote,)
        consul.restart()
        eventually(lambda: Agent(consul.url).instances("tongban-kept", 0, 0)[1])  # it was told again
        with announced(consul, "kept", other):
            eventually(lambda: len(found.instances("kept")) == 2)
            over.set()
            watching.join()
        assert () not in seen


def _watch(found: ConsulDirectory, seen: set[Any], over: threading.Event) -> None:
    while not over.wait(0.01):
        seen.add(found.instances("kept"))


@pytest.mark.usefixtures("quick")
def test_services_that_do_not_come_back_after_the_agent_did_are_forgotten_in_the_end(
    consul: Consul, services: tuple[Service, Service]
) -> None:
    made = ConsulDirectory(Agent(consul.url), StaticDirectory({}), grace_s=0.3)
    with announced(consul, "lost", services[0]) as announcement:
        eventually(lambda: made.instances("lost"))
        announcement._loop.stop()
        announcement._loop.join()
        consul.kill()
        consul.restart()
        eventually(lambda: made.instances("lost") == ())
    made.close()


@pytest.mark.usefixtures("quick")
def test_an_agent_that_is_away_at_the_start_holds_nobody_up_and_is_found_later(
    consul: Consul, services: tuple[Service, Service]
) -> None:
    consul.kill()
    with directory(consul, listed="http://a:1") as found, announced(consul, "late", services[0]):
        assert found.instances("late") == ()
        assert found.instances("listed") == (Remote("a", 1),), "what the settings name is not asked of Consul"
        consul.restart()
        assert eventually(lambda: found.instances("late")) == (services[0].remote,)


@pytest.mark.usefixtures("quick")
def test_settings_are_followed_and_stay_while_the_agent_is_away(consul: Consul) -> None:
    heard: list[Mapping[str, str]] = []
    consul.put("tongban/settings/log_level", "DEBUG")
    consul.put("tongban/other", "1")
    with directory(consul) as found:
        found.follow(heard.append)
        eventually(lambda: heard == [{"log_level": "DEBUG"}])
        consul.put("tongban/settings/limits/address", "5/second")
        eventually(lambda: heard[-1] == {"log_level": "DEBUG", "limits/address": "5/second"})
        consul.delete("tongban/settings/log_level")
        eventually(lambda: heard[-1] == {"limits/address": "5/second"})
        assert len(heard) == 3, "told only of changes"
        consul.delete("tongban/settings/limits/address")
        eventually(lambda: heard[-1] == {})


def test_an_agent_that_is_not_there_is_said_to_be_away() -> None:
    agent = Agent(f"http://127.0.0.1:{free_port()}")
    here = Registration("tongban-x", "127.0.0.1", 1)
    for ask in (agent.register, agent.knows, agent.deregister):
        with pytest.raises(AgentAway):
            ask(here)
