"""What every answer says to browsers, and what only operators are shown."""

from __future__ import annotations

import pytest

from tests.gateway.scripted import call, echo_gateway
from tests.support import Tokens

tokens = Tokens()
HEADERS = tokens.headers("cases:read")
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/v1/cases", HEADERS, 200),
        ("GET", "/api/v1/items", {}, 200),
        ("GET", "/api/v1/cases", {}, 401),
        ("GET", "/nowhere/at/all", {}, 404),
        ("BREW", "/api/v1/cases", HEADERS, 405),
        ("GET", "/docs", {}, 200),
        ("GET", "/health/live", {}, 200),
    ],
)
def test_every_answer_forbids_to_be_run_framed_or_sniffed(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    gateway, _ = echo_gateway(tokens)
    answer = call(gateway, method, path, headers)
    assert answer.status == status
    policy = answer.headers["content-security-policy"]
    for directive in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert directive in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert sum(name.lower() == "content-security-policy" for name, _ in answer.all_headers) == 1


def test_what_needs_a_token_is_not_to_be_stored() -> None:
    gateway, _ = echo_gateway(tokens)
    assert call(gateway, "GET", "/api/v1/cases", HEADERS).headers["cache-control"] == "no-store"
    assert call(gateway, "GET", "/api/v1/cases").headers["cache-control"] == "no-store"


def test_trace_is_refused() -> None:
    gateway, echo = echo_gateway(tokens)
    assert call(gateway, "TRACE", "/api/v1/items").is_problem(405, "method_not_allowed")
    assert echo.seen == []


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("10.1.2.3", 200), ("192.168.1.1", 200), ("fd00::1", 200),
     ("203.0.113.9", 404), ("2001:db8::1", 404), ("172.32.0.1", 404)],
)  # fmt: skip
def test_metrics_are_for_this_machine_and_private_networks_only(address: str, status: int) -> None:
    gateway, _ = echo_gateway(tokens)
    answer = call(gateway, "GET", "/metrics", REMOTE_ADDR=address)
    assert answer.status == status
    assert (b"tongban_gateway_requests" in answer.body) == (status == 200)
    assert call(gateway, "GET", "/health/live", REMOTE_ADDR=address).status == 200
