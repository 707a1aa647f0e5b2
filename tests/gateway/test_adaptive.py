"""The limit that a service is given at once follows how well it copes: by injected time, and once by a service that queues."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from gateway import adaptive
from gateway.adaptive import AdaptiveLimit, Share
from gateway.rules import Rules
from tests.gateway.scripted import SocketService, call, make_gateway, response, socket_service
from tests.support import Tokens

LEAST, MOST = 8, 32
SHARE = Share(LEAST, MOST)
KIND = "GET /api/v1/cases"


class Service:
    """Serves ``at_once`` requests in ``work_s`` each; more than that wait for each other."""

    def __init__(self, at_once: int, work_s: float) -> None:
        self.at_once, self.work_s, self.now = at_once, work_s, 1000.0
        self.limit = AdaptiveLimit("test", MOST)
        self.limit.answered(KIND, work_s, 1, SHARE, self.now)

    def offer(self, rounds: int, demand: int) -> None:
        """Each round ``demand`` ask at once; as many as are let in are answered."""
        for _ in range(rounds):
            inside = 0
            while inside < demand and self.limit.allows(inside, SHARE):
                inside += 1
            took_s = self.work_s * max(1.0, inside / self.at_once)
            self.now += took_s
            for _ in range(inside):
                self.limit.answered(KIND, took_s, inside, SHARE, self.now)


def test_a_service_that_queues_is_given_what_it_takes_well() -> None:
    service = Service(at_once=5, work_s=0.25)
    service.offer(rounds=100, demand=100)
    assert 12 <= service.limit.limit <= 19, "three times the usual time is where it begins to be too much"


def test_a_service_that_became_slow_gets_less_and_when_it_is_well_again_more() -> None:
    service = Service(at_once=40, work_s=0.02)
    service.offer(rounds=50, demand=100)
    assert service.limit.limit == MOST
    service.work_s = 1.0
    service.offer(rounds=30, demand=100)
    assert service.limit.limit == LEAST
    assert service.limit.allows(LEAST - 1, SHARE)
    assert not service.limit.allows(LEAST, SHARE)
    service.work_s = 0.02
    service.offer(rounds=100, demand=100)
    assert service.limit.limit == MOST


def test_one_bad_moment_counts_once_for_all_that_were_under_way() -> None:
    service = Service(at_once=40, work_s=0.02)
    for _ in range(20):
        service.limit.failed(2.0, 32, SHARE, service.now)
    assert service.limit.limit == pytest.approx(MOST * adaptive.SHRINK)
    service.limit.failed(2.0, 32, SHARE, service.now + 3)
    assert service.limit.limit == pytest.approx(MOST * adaptive.SHRINK**2)


def test_slow_answers_while_few_are_under_way_change_nothing() -> None:
    service = Service(at_once=40, work_s=0.02)
    service.work_s = 5.0
    service.offer(rounds=100, demand=3)
    service.limit.failed(30.0, 3, SHARE, service.now)
    assert service.limit.limit == MOST


def test_a_limit_that_is_not_in_use_does_not_grow() -> None:
    service = Service(at_once=40, work_s=0.02)
    service.limit.limit = 10
    service.offer(rounds=100, demand=4)
    assert service.limit.limit == 10
    service.offer(rounds=100, demand=9)
    assert service.limit.limit > 10


def test_each_kind_is_measured_against_itself() -> None:
    service = Service(at_once=40, work_s=0.02)
    for _ in range(50):
        service.now += 1
        service.limit.answered("POST /api/v1/licences/verification", 2.0, 30, SHARE, service.now)
    assert service.limit.limit == MOST


def test_kinds_cannot_fill_the_memory() -> None:
    service = Service(at_once=40, work_s=0.02)
    for number in range(10_000):
        service.limit.answered(str(number), 0.1, 1, SHARE, service.now)
    assert len(service.limit._kinds) <= 256


def test_under_a_real_overload_most_are_turned_away_at_once_and_those_let_in_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A service that does one thing at a time, asked by 24 at once: it is given fewer, and nobody fails."""
    monkeypatch.setattr(adaptive, "TROUBLE_S", 0.02)
    tokens, one = Tokens(), threading.Lock()
    headers = tokens.headers("cases:read")

    def talk(connection: socket.socket, service: SocketService) -> None:
        while service.read_request(connection):
            with one:
                threading.Event().wait(0.01)
            connection.sendall(response(b"{}", "Content-Type: application/json"))

    with ExitStack() as stack:
        service = stack.enter_context(socket_service(talk))
        gateway = make_gateway(tokens, workflow=service.remote)
        stack.callback(gateway.close)
        gateway._admission.apply(Rules(in_flight=64, in_flight_per_service=24, in_flight_per_instance=24))
        assert call(gateway, "GET", "/api/v1/cases", headers).status == 200

        def ask(_number: int) -> int:
            return call(gateway, "GET", "/api/v1/cases", headers).status

        with ThreadPoolExecutor(24) as pool:
            answers = Counter(pool.map(ask, range(600)))
        limit = gateway._admission.balancer._groups["workflow"].limit.limit
    assert set(answers) == {200, 503}
    assert limit < 24
    assert answers[503] > 0
    assert len(service.requests) == 1 + answers[200], "what was turned away never got there"
