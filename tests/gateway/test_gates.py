"""More at once than there is room for: bodies that do not come, and requests altogether."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gateway.rules import Rules
from tests.gateway.scripted import call, echo_gateway
from tests.support import Tokens

tokens = Tokens()
HEADERS = tokens.headers("cases:submit")


class Stalled:
    """An input that gives nothing until ``go_on`` is set, and then ends."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def read(self, _size: int) -> bytes:
        self.go_on.wait(30)
        return b""


def stalled(gateway: Any, answers: list[Any], source: Stalled, address: str) -> threading.Thread:
    """A request whose body is waited for."""
    inside = gateway._admission._bodies.inside
    post = lambda: answers.append(  # noqa: E731
        call(gateway, "POST", "/api/v1/cases", HEADERS, source, CONTENT_LENGTH="1000", REMOTE_ADDR=address)
    )
    thread = threading.Thread(target=post)
    thread.start()
    while gateway._admission._bodies.inside == inside:
        pass
    return thread


def test_no_address_takes_all_the_room_for_bodies() -> None:
    gateway, echo = echo_gateway(tokens)
    gateway._admission.apply(Rules(bodies=3, bodies_per_address=1))
    source, answers = Stalled(), []
    threads = [stalled(gateway, answers, source, "2001:db8::1")]
    own = call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}", REMOTE_ADDR="2001:db8::2")
    assert own.is_problem(503, "overloaded"), "one network, one client"
    assert call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}", REMOTE_ADDR="198.51.100.2").status == 200
    assert len(echo.seen) == 1
    source.go_on.set()
    for thread in threads:
        thread.join(10)
    assert answers[0].is_problem(400, "body_truncated")
    assert call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}", REMOTE_ADDR="2001:db8::2").status == 200


def test_more_bodies_at_once_than_there_is_room_for_are_refused_and_reads_are_not() -> None:
    gateway, echo = echo_gateway(tokens)
    gateway._admission.apply(Rules(bodies=1))
    source, answers = Stalled(), []
    first = stalled(gateway, answers, source, "198.51.100.1")
    assert call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}").is_problem(503, "overloaded")
    assert call(gateway, "GET", "/api/v1/cases", HEADERS).status == 200
    source.go_on.set()
    first.join(10)
    assert answers[0].is_problem(400, "body_truncated")
    assert call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}").status == 200
    assert len(echo.seen) == 2


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/api/v1/cases"])
def test_when_too_many_are_inside_only_operators_are_answered(path: str) -> None:
    gateway, echo = echo_gateway(tokens)
    gateway._admission.apply(Rules(in_flight=1))
    gateway._admission._in_flight.enter(1)
    answer = call(gateway, "GET", path, HEADERS, REMOTE_ADDR="127.0.0.1")
    if path.startswith("/api"):
        assert answer.is_problem(503, "overloaded")
        assert int(answer.headers["retry-after"]) > 0
        gateway._admission._in_flight.leave()
        assert call(gateway, "GET", path, HEADERS).status == 200
    else:
        assert answer.status == 200
    assert len(echo.seen) == (1 if path.startswith("/api") else 0)
