"""Which instance takes a request, which is left out, and what is sent again: on real sockets."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from chassis import deadline
from chassis.discovery import Remote, ServiceUnknown, StaticDirectory
from chassis.errors import Refusal
from gateway import balance
from gateway.balance import RETRY_RESERVE, Balancer, Instance
from gateway.proxy import Proxy
from gateway.rules import Rules
from localservers.ports import free_port
from tests.gateway.scripted import SocketService, call, environ, make_gateway, response, socket_service, start
from tests.support import Tokens

tokens = Tokens()
HEADERS = tokens.headers("cases:read")


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(balance, "time", made)
    return made


def balancer(instances: int, **rules: Any) -> tuple[Balancer, StaticDirectory]:
    directory = StaticDirectory({})
    directory.add("workflow", *(Remote("h", port) for port in range(instances)))
    return Balancer(directory, Rules(**rules)), directory


def fail(made: Balancer, port: int, times: int) -> None:
    for _ in range(times):
        instance = next(one for one in made._groups["workflow"].instances if one.endpoint == Remote("h", port))
        made.failed(instance)


def drawn(made: Balancer, times: int = 200) -> Counter[Any]:
    seen: Counter[Any] = Counter()
    for _ in range(times):
        instance = made.take("workflow")
        seen[instance.endpoint.port] += 1  # type: ignore[union-attr]
        made.release(instance)
    return seen


def test_requests_in_flight_are_spread_evenly() -> None:
    made, _ = balancer(4, in_flight_per_service=400, in_flight_per_instance=400)
    for _ in range(200):
        made.take("workflow")
    loads = [one.in_flight for one in made._groups["workflow"].instances]
    assert sum(loads) == 200
    assert max(loads) - min(loads) <= 6, "the less busy of two keeps the difference small; chance alone would not"


def test_a_slow_instance_gets_less() -> None:
    made, _ = balancer(2, in_flight_per_service=400, in_flight_per_instance=400)
    stuck = [made.take("workflow") for _ in range(20)]
    for instance in stuck:
        if instance.endpoint == Remote("h", 0):
            made.release(instance)
    assert drawn(made, 50) == {0: 50}


def test_who_fails_in_a_row_is_left_out_each_time_for_longer(clock: Clock) -> None:
    made, _ = balancer(2, ejection_failures=3, ejection_s=5)
    drawn(made, 1)
    fail(made, 0, 2)
    assert set(drawn(made)) == {0, 1}
    fail(made, 0, 1)
    assert set(drawn(made)) == {1}
    for seconds in (5, 10, 20):
        clock.now += seconds - 0.1
        assert set(drawn(made)) == {1}
        clock.now += 0.2
        assert set(drawn(made)) == {0, 1}
        fail(made, 0, 1)  # when it is back one failure is enough


def test_a_success_between_failures_makes_it_whole_and_time_forgives(clock: Clock) -> None:
    made, _ = balancer(2, ejection_failures=2, ejection_s=5)
    drawn(made, 1)
    first: Instance = made._groups["workflow"].instances[0]
    for _ in range(5):
        fail(made, 0, 1)
        made.succeeded(first)
    assert set(drawn(made)) == {0, 1}
    fail(made, 0, 2)
    clock.now += 6
    made.succeeded(first)
    assert first.ejections == 1
    clock.now += balance.FORGIVEN_S
    made.succeeded(first)
    assert first.ejections == 0


@pytest.mark.parametrize(("instances", "left_out"), [(1, 0), (2, 1), (3, 1), (4, 2)])
def test_never_more_than_half_are_left_out(instances: int, left_out: int) -> None:
    made, _ = balancer(instances, ejection_failures=1, ejection_s=60)
    drawn(made, 1)
    for port in range(instances):
        fail(made, port, 3)
    assert len(drawn(made)) == instances - left_out


def test_a_changed_list_keeps_what_is_known_of_those_that_stay() -> None:
    made, directory = balancer(2, ejection_failures=1, ejection_s=60)
    drawn(made, 1)
    fail(made, 0, 1)
    busy = made.take("workflow")
    directory.add("workflow", Remote("h", 0), Remote("h", 1), Remote("h", 2))
    assert set(drawn(made)) == {2}, "0 is still left out, and 1 still busy"
    assert busy.in_flight == 1
    directory.add("workflow")
    with pytest.raises(ServiceUnknown):
        made.take("workflow")
    made.release(busy)
    assert made._groups["workflow"].in_flight == 0


def test_an_instance_and_a_service_take_so_many_at_once() -> None:
    made, _ = balancer(2, in_flight_per_instance=2, in_flight_per_service=3)
    taken = [made.take("workflow") for _ in range(3)]
    assert max(one.in_flight for one in taken) == 2
    with pytest.raises(Refusal) as refused:
        made.take("workflow")
    assert (refused.value.code, refused.value.facts["limit"]) == ("overloaded", "service")
    made.rules = Rules(in_flight_per_instance=2, in_flight_per_service=9)
    made.take("workflow")
    with pytest.raises(Refusal) as refused:
        made.take("workflow")
    assert refused.value.facts["limit"] == "instance"
    made.release(taken[0])
    assert made.take("workflow") is taken[0]


def test_repeats_stay_below_a_fifth_of_the_requests() -> None:
    made, _ = balancer(2)
    repeats = 0
    for _ in range(500):
        instance = made.take("workflow")
        repeats += made.may_retry(instance, [instance])
        made.release(instance)
    assert 100 <= repeats <= 100 + RETRY_RESERVE


# On sockets


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def gateway_with(stack: ExitStack, *instances: Remote) -> Proxy:
    gateway = make_gateway(tokens)
    gateway._directory.add("workflow", *instances)  # type: ignore[attr-defined]
    stack.callback(gateway.close)
    return gateway


def well(connection: socket.socket, service: SocketService) -> None:
    while service.read_request(connection):
        connection.sendall(response(b"well"))


def cut(connection: socket.socket, service: SocketService) -> None:
    service.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")


def unable(connection: socket.socket, service: SocketService) -> None:
    while service.read_request(connection):
        connection.sendall(response(b"{}", status="503 Service Unavailable"))


def nobody() -> Remote:
    return Remote("127.0.0.1", free_port())


@pytest.mark.parametrize("trouble", ["refused", "cut short", "unable"])
@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("DELETE", {}), ("POST", {"Idempotency-Key": "k"})])
def test_what_may_be_repeated_goes_to_another_instance(
    stack: ExitStack, trouble: str, method: str, headers: dict[str, str]
) -> None:
    good = stack.enter_context(socket_service(well))
    scripts = {"cut short": cut, "unable": unable}
    bad = stack.enter_context(socket_service(scripts[trouble])).remote if trouble in scripts else nobody()
    gateway = gateway_with(stack, bad, good.remote)
    for _ in range(12):
        assert call(gateway, method, "/api/v1/cases", HEADERS | headers).body == b"well"
    assert len(good.requests) == 12
    group = gateway._admission.balancer._groups["workflow"]
    assert group.in_flight == 0
    assert [one.ejected_until > 0 for one in group.instances] == [group.instances[0].ejections > 0, False]


def test_a_post_without_a_key_goes_to_one_instance_only(stack: ExitStack) -> None:
    dead = stack.enter_context(socket_service(cut))
    other = stack.enter_context(socket_service(cut))
    gateway = gateway_with(stack, dead.remote, other.remote)
    assert call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}").is_problem(502, "upstream_failed")
    assert len(dead.requests) + len(other.requests) == 1


def test_when_all_fail_it_ends_after_each_was_tried_once(stack: ExitStack) -> None:
    services = [stack.enter_context(socket_service(cut)) for _ in range(3)]
    gateway = gateway_with(stack, *(one.remote for one in services))
    assert call(gateway, "GET", "/api/v1/cases", HEADERS).is_problem(502, "upstream_failed")
    assert [len(one.requests) for one in services] == [1, 1, 1]


def test_without_a_budget_nothing_is_repeated(stack: ExitStack) -> None:
    services = [stack.enter_context(socket_service(cut)) for _ in range(2)]
    gateway = gateway_with(stack, *(one.remote for one in services))
    gateway._admission.apply(Rules(retry_percent=0.001, ejection_failures=1000))
    for _ in range(10):
        call(gateway, "GET", "/api/v1/cases", HEADERS)
    assert sum(len(one.requests) for one in services) == 10 + int(RETRY_RESERVE)


def test_an_answer_that_breaks_after_its_first_bytes_were_passed_on_is_not_repeated(stack: ExitStack) -> None:
    def breaks(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * 70_000)

    services = [stack.enter_context(socket_service(breaks)) for _ in range(2)]
    gateway = gateway_with(stack, *(one.remote for one in services))
    _, _, stream = start(gateway, environ("GET", "/api/v1/cases", HEADERS))
    with pytest.raises(Exception, match="IncompleteRead"):
        b"".join(stream)
    assert sum(len(one.requests) for one in services) == 1
    assert gateway._admission.balancer._groups["workflow"].in_flight == 0
    assert gateway._admission._streams.inside == gateway._admission._in_flight.inside == 0


def test_a_service_that_is_busy_does_not_take_the_door_with_it(stack: ExitStack) -> None:
    held, go_on = threading.Semaphore(0), threading.Event()

    def busy(connection: socket.socket, service: SocketService) -> None:
        while service.read_request(connection):
            held.release()
            assert go_on.wait(30)
            connection.sendall(response(b"late"))

    slow = stack.enter_context(socket_service(busy))
    quick = stack.enter_context(socket_service(well))
    gateway = gateway_with(stack, slow.remote)
    gateway._directory.add("catalog", quick.remote)  # type: ignore[attr-defined]
    gateway._admission.apply(Rules(in_flight_per_service=2))
    answers: list[bytes] = []
    waiting = [
        threading.Thread(target=lambda: answers.append(call(gateway, "GET", "/api/v1/cases", HEADERS).body))
        for _ in range(2)
    ]
    for thread in waiting:
        thread.start()
        assert held.acquire(timeout=10)
    refused = call(gateway, "GET", "/api/v1/cases", HEADERS)
    assert refused.is_problem(503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert call(gateway, "GET", "/api/v1/items").body == b"well"
    go_on.set()
    for thread in waiting:
        thread.join(10)
    assert answers == [b"late", b"late"]


def test_the_deadline_is_passed_down_and_only_ever_brought_forward(stack: ExitStack) -> None:
    service = stack.enter_context(socket_service(well))
    gateway = gateway_with(stack, service.remote)

    def told(more: dict[str, str]) -> float:
        assert call(gateway, "GET", "/api/v1/cases", HEADERS | more).status == 200
        lines = service.requests[-1].decode().split("\r\n")
        [value] = [line.split(": ")[1] for line in lines if line.startswith(f"{deadline.HEADER}: ")]
        left = deadline.left_s({"HTTP_X_REQUEST_DEADLINE_MS": value})
        assert left is not None
        return left

    assert 20 < told({}) <= 30
    assert told({deadline.HEADER: deadline.in_s(9)}) <= 9
    assert told({deadline.HEADER: deadline.in_s(9000)}) <= 30
    assert told({deadline.HEADER: "soon"}) <= 30
    asked = len(service.requests)
    late = call(gateway, "GET", "/api/v1/cases", HEADERS | {deadline.HEADER: deadline.in_s(-1)})
    assert late.is_problem(504, "deadline_passed")
    assert len(service.requests) == asked
