"""Instances that leave, and the gateway when it leaves itself: on real sockets. See ``chassis.stopping``."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chassis import stopping
from chassis.discovery import Remote
from gateway import balance
from gateway.proxy import Proxy
from gateway.rules import Rules
from localservers.ports import free_port
from tests.gateway.scripted import SocketService, call, environ, make_gateway, response, socket_service, start
from tests.gateway.test_balance import Clock, balancer, drawn
from tests.support import Tokens

tokens = Tokens()
HEADERS = tokens.headers("cases:read")
GOODBYE = f"Connection: close, {stopping.OPTION}"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def gateway_to(stack: ExitStack, *instances: Remote) -> Proxy:
    gateway = make_gateway(tokens)
    gateway._directory.add("workflow", *instances)  # type: ignore[attr-defined]
    stack.callback(gateway.close)
    return gateway


def staying(connection: socket.socket, service: SocketService) -> None:
    while service.read_request(connection):
        connection.sendall(response(b"stays"))


def going(connection: socket.socket, service: SocketService) -> None:
    service.read_request(connection)
    connection.sendall(response(b"leaves", GOODBYE))


@pytest.mark.parametrize("body", [b"{}", b"x" * 200_000])
def test_what_no_instance_saw_goes_to_the_next_one_whatever_it_is(stack: ExitStack, body: bytes) -> None:
    good = stack.enter_context(socket_service(staying))
    gateway = gateway_to(stack, Remote("127.0.0.1", free_port()), good.remote)
    gateway._admission.apply(Rules(retry_percent=0.001, ejection_failures=1000))
    for _ in range(30):
        assert call(gateway, "POST", "/api/v1/cases", HEADERS, body).body == b"stays"
    assert len(good.requests) == 30


def test_a_refusal_is_passed_on_when_the_other_instance_is_away(stack: ExitStack) -> None:
    def unable(connection: socket.socket, service: SocketService) -> None:
        while service.read_request(connection):
            connection.sendall(response(b"full", "Retry-After: 5", status="503 Service Unavailable"))

    busy = stack.enter_context(socket_service(unable))
    gateway = gateway_to(stack, Remote("127.0.0.1", free_port()), busy.remote)
    for _ in range(4):
        answer = call(gateway, "GET", "/api/v1/cases", HEADERS)
        assert (answer.status, answer.body, answer.headers["retry-after"]) == (503, b"full", "5")


def test_who_says_that_it_leaves_is_left_alone_and_nobody_outside_hears_of_it(stack: ExitStack) -> None:
    leaves, stays = stack.enter_context(socket_service(going)), stack.enter_context(socket_service(staying))
    gateway = gateway_to(stack, leaves.remote, stays.remote)
    answers = [call(gateway, "GET", "/api/v1/cases", HEADERS) for _ in range(60)]
    assert {answer.status for answer in answers} == {200}
    assert not [name for answer in answers for name in answer.headers if name in ("connection", stopping.OPTION)]
    assert len(leaves.requests) == 1


def test_the_only_instance_is_asked_even_while_it_leaves(stack: ExitStack) -> None:
    leaves = stack.enter_context(socket_service(going))
    gateway = gateway_to(stack, leaves.remote)
    assert {call(gateway, "GET", "/api/v1/cases", HEADERS).body for _ in range(5)} == {b"leaves"}


def test_who_left_is_back_after_a_while_or_when_it_answers_without_saying_so(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(balance, "time", clock)
    made, _ = balancer(2)
    drawn(made, 1)
    first, second = made._groups["workflow"].instances
    made.heard(first, leaving=True)
    assert set(drawn(made)) == {1}
    clock.now += balance.LEAVING_S + 0.1
    assert set(drawn(made)) == {0, 1}
    made.heard(first, leaving=True)
    clock.now += 1
    made.heard(second, leaving=True)
    assert set(drawn(made)) == {0}, "who left first is back first"
    made.heard(first, leaving=False)
    made.heard(second, leaving=False)
    assert set(drawn(made)) == {0, 1}


@pytest.mark.parametrize("part", ["data: 1\n\n", "data: 1\n\ndata: 2"])
def test_a_gateway_that_closes_ends_event_streams_as_if_their_service_had(stack: ExitStack, part: str) -> None:
    over = threading.Event()

    def events(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(f"{head}{len(part):x}\r\n{part}\r\n".encode())
        over.wait(30)

    gateway = gateway_to(stack, stack.enter_context(socket_service(events)).remote)
    stack.callback(over.set)
    _, _, stream = start(gateway, environ("GET", "/api/v1/cases/1/events", HEADERS))
    assert next(stream) == part.encode()
    threading.Timer(0.1, gateway.event_streams.end).start()  # while it is waited for more
    assert list(stream) == []
    assert gateway._admission._streams.inside == 0
    assert not gateway.event_streams._open


def test_a_gateway_that_closes_lets_other_answers_come_to_their_end(stack: ExitStack) -> None:
    whole = b"x" * 200_000
    closed = threading.Event()

    def slow(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        answer = response(whole)
        connection.sendall(answer[:100_000])
        closed.wait(30)
        connection.sendall(answer[100_000:])

    gateway = gateway_to(stack, stack.enter_context(socket_service(slow)).remote)
    _, _, stream = start(gateway, environ("GET", "/api/v1/cases", HEADERS))
    first = next(stream)
    gateway.event_streams.end()
    closed.set()
    assert first + b"".join(stream) == whole
