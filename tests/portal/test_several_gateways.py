"""The portal in front of several gateways, of which one may be away or leave at any moment: on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chassis.discovery import Remote, StaticDirectory
from localservers.ports import free_port
from portal.api import Api, Problem
from tests.gateway.scripted import SocketService, response, socket_service


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def well(connection: socket.socket, service: SocketService) -> None:
    while service.read_request(connection):
        connection.sendall(response(b'{"well":true}'))


def once_a_connection(connection: socket.socket, service: SocketService) -> None:
    """Answers one request and takes the next one without a word."""
    service.read_request(connection)
    connection.sendall(response(b'{"well":true}'))
    service.read_request(connection)


def silent(connection: socket.socket, service: SocketService) -> None:
    service.read_request(connection)


def api_of(*gateways: Remote) -> Api:
    directory = StaticDirectory({})
    directory.add("gateway", *gateways)
    return Api(directory)


def test_a_gateway_that_is_away_is_noticed_by_nobody(stack: ExitStack) -> None:
    good = stack.enter_context(socket_service(well))
    api = api_of(Remote("127.0.0.1", free_port()), good.remote)
    for _ in range(10):
        assert api.get("/api/v1/items") == {"well": True}
        assert api.call("POST", "/oauth2/token", body=b"code=1").json() == {"well": True}
    assert len(good.requests) == 20


def test_a_kept_connection_that_the_gateway_closes_costs_nobody_a_request(stack: ExitStack) -> None:
    gateway = stack.enter_context(socket_service(once_a_connection))
    api = api_of(gateway.remote)
    for number in range(4):
        assert api.get("/api/v1/items") == {"well": True}
        assert api.post("/api/v1/cases", {}, key=f"k{number}") == {"well": True}


def test_what_does_harm_when_repeated_is_sent_once_on_a_connection_of_its_own(stack: ExitStack) -> None:
    gateway = stack.enter_context(socket_service(once_a_connection))
    api = api_of(gateway.remote)
    for _ in range(4):
        assert api.call("POST", "/oauth2/token", body=b"code=1").json() == {"well": True}
    assert (gateway.connections, len(gateway.requests)) == (4, 4)
    deaf = [stack.enter_context(socket_service(silent)) for _ in range(2)]
    with pytest.raises(Problem) as refused:
        api_of(*(one.remote for one in deaf)).call("POST", "/oauth2/token", body=b"code=1")
    assert refused.value.status == 503
    assert sum(len(one.requests) for one in deaf) == 1


def test_without_any_gateway_the_platform_is_not_available() -> None:
    for gateways in ((), (Remote("127.0.0.1", free_port()),)):
        with pytest.raises(Problem) as refused:
            api_of(*gateways).get("/api/v1/items")
        assert (refused.value.status, refused.value.code) == (503, "service_unavailable")
