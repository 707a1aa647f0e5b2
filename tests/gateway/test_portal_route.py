"""The portal behind the gateway: everything that is neither the API nor a page of the gateway's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from chassis.discovery import Local
from tests.gateway.scripted import EchoService, call, echo_gateway, environ, make_gateway, start
from tests.support import Tokens

tokens = Tokens()
COOKIE = {"Cookie": "tongban=session-of-somebody"}


def with_portal(app: Any) -> Any:
    return make_gateway(tokens, portal=Local(app), workflow=Local(app))


@pytest.mark.parametrize("path", ["/", "/items", "/my", "/static/portal.css", "/verify/1", "/docsx"])
def test_pages_are_the_portals_and_carry_the_visitors_cookie_both_ways(path: str) -> None:
    portal = EchoService()
    answer = call(with_portal(portal), "GET", path, COOKIE)
    assert answer.status == 200
    assert portal.seen[0]["HTTP_COOKIE"] == COOKIE["Cookie"]
    assert [value for name, value in answer.all_headers if name == "Set-Cookie"] == ["a=1", "b=2"]


def test_the_api_never_sees_the_cookie() -> None:
    service = EchoService()
    call(with_portal(service), "GET", "/api/v1/cases", COOKIE | tokens.headers("cases:read"))
    assert "HTTP_COOKIE" not in service.seen[0]


def test_a_form_reaches_the_portal_whole_and_claims_of_identity_do_not() -> None:
    portal = EchoService()
    claimed = {"X-Forwarded-For": "1.2.3.4", "X-Tongban-Subject": "admin", "X-Auth-User": "admin"}
    answer = call(with_portal(portal), "POST", "/sign-in", COOKIE | claimed, b"a=1", CONTENT_LENGTH="3")
    assert answer.json["body_bytes"] == 3
    assert not {"HTTP_X_TONGBAN_SUBJECT", "HTTP_X_AUTH_USER"} & portal.seen[0].keys()
    assert portal.seen[0].get("HTTP_X_FORWARDED_FOR") != "1.2.3.4"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/status", "/metrics", "/health/live"])
def test_the_gateways_own_pages_stay_its_own(path: str) -> None:
    portal = EchoService()
    assert call(with_portal(portal), "GET", path, REMOTE_ADDR="127.0.0.1").status == 200
    assert [seen for seen in portal.seen if seen["PATH_INFO"] == path] == []


def test_without_a_portal_the_gateway_says_what_runs_here() -> None:
    gateway, _echo = echo_gateway(tokens)
    assert "平台正在运行" in call(gateway, "GET", "/").body.decode()
    assert call(gateway, "GET", "/my").status == 404


def test_only_reading_and_posting_pass() -> None:
    portal = EchoService()
    assert call(with_portal(portal), "DELETE", "/my", COOKIE).status == 401
    assert portal.seen == []


def test_events_pass_one_by_one_and_the_portal_learns_that_nobody_listens() -> None:
    class Events:
        def __init__(self) -> None:
            self.sent, self.closed = 0, False

        def __iter__(self) -> Iterator[bytes]:
            while True:
                self.sent += 1
                yield b"event: changed\n\n"

        def close(self) -> None:
            self.closed = True

    events = Events()

    def portal(_environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return events

    _status, _headers, result = start(with_portal(portal), environ("GET", "/cases/1/events", COOKIE, b""))
    assert next(iter(result)) == b"event: changed\n\n"
    assert events.sent == 1
    result.close()
    assert events.closed
