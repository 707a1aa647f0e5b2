"""The campaign's own instruments: a client that hides nothing, a load balancer that goes by readiness. On real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from faults import rolling_door
from faults.rolling import Campaign, Restart, conclude
from faults.rolling_door import Client, LoadBalancer, Record, Request, Unanswered
from localservers.ports import free_port
from tests.chassis.rig import eventually
from tests.gateway.scripted import SocketService, reset, response, socket_service

Talk = Callable[[socket.socket, SocketService], None]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def saying(answer: bytes) -> Talk:
    def talk(connection: socket.socket, service: SocketService) -> None:
        while service.read_request(connection):
            connection.sendall(answer)

    return talk


def address(service: SocketService) -> str:
    return f"http://127.0.0.1:{service.remote.port}"


def client_of(*gateways: str) -> Client:
    return Client(LoadBalancer(gateways), Record())


def reset_at_once(connection: socket.socket, service: SocketService) -> None:
    service.read_request(connection)
    reset(connection)


def cut_short(connection: socket.socket, service: SocketService) -> None:
    service.read_request(connection)
    connection.sendall(response(b"0123456789")[:-1])


@pytest.mark.parametrize("talk", [saying(response(b"{}", status="503 Service Unavailable")), reset_at_once, cut_short])
def test_whatever_goes_wrong_is_written_down_and_not_tried_again(stack: ExitStack, talk: Talk) -> None:
    service = stack.enter_context(socket_service(talk))
    client = client_of(address(service))
    with pytest.raises(Unanswered):
        client.ask("read", "GET", "/")
    client.close()
    assert [bool(one.failure) for one in client.record.requests] == [True]
    assert len(service.requests) == 1


def test_a_refused_connection_and_a_wrong_answer_are_failures(stack: ExitStack) -> None:
    refusing = client_of(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unanswered):
        refusing.ask("read", "GET", "/")
    wrong = client_of(address(stack.enter_context(socket_service(saying(response(b'{"case_no": "B"}'))))))
    with pytest.raises(Unanswered):
        wrong.ask("read", "GET", "/", right=lambda answer: answer.json()["case_no"] == "A")
    assert all(one.failure for one in (*refusing.record.requests, *wrong.record.requests))


def test_only_a_connection_that_was_kept_may_turn_out_to_be_closed(stack: ExitStack) -> None:
    def once(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(response(b"{}"))
        service.read_request(connection)

    client = client_of(address(stack.enter_context(socket_service(once))))
    for _ in range(3):
        client.ask("read", "GET", "/")
    assert client.record.replaced == 2
    assert not any(one.failure for one in client.record.requests)


def test_a_stream_that_breaks_off_is_a_failure_and_one_that_ends_is_none(stack: ExitStack) -> None:
    def events(end: bytes) -> Talk:
        def talk(connection: socket.socket, service: SocketService) -> None:
            service.read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n" + end)

        return talk

    for end, broken in ((b"0\r\n\r\n", False), (b"", True)):
        client, heard = client_of(address(stack.enter_context(socket_service(events(end))))), []
        try:
            client.stream("events", "/", {}, lambda line, heard=heard: heard.append(line) or True, lambda: False)  # type: ignore[misc]
        except Unanswered:
            assert broken
        assert [bool(one.failure) for one in client.record.requests] == [broken]
        assert heard == ["data: 1", ""]


def test_a_gateway_that_is_not_ready_gets_no_more_requests(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling_door, "CHECK_EVERY_S", 0.02)
    ready = address(stack.enter_context(socket_service(saying(response(b"{}")))))
    leaving = address(stack.enter_context(socket_service(saying(response(b"{}", status="503 Service Unavailable")))))
    balancer = stack.enter_context(LoadBalancer([leaving, ready]))
    eventually(lambda: {balancer.next() for _ in range(10)} == {ready})


def test_a_control_in_which_nothing_fails_proves_nothing() -> None:
    good = Request("read", 0.0, 1.0, 1.0, "")
    rolled = Campaign("list", [Restart("gateway", 5.0, 3.0, [good])], requests=1)
    _, goals = conclude([rolled], Campaign("control"), 1.0)
    assert [name for name, (_, met) in goals.items() if not met] == ["failed_without_draining"]
    rolled.failed = 1
    _, goals = conclude([rolled], Campaign("control", failed=1), 1.0)
    assert [name for name, (_, met) in goals.items() if not met] == ["failed"]
