"""办件进度 through gateway and workflow together, on sockets: as it happens, over a restart without gap or repetition, few at a
time.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from chassis.auth import TokenVerifier
from chassis.discovery import Remote, StaticDirectory
from chassis.health import Health
from chassis.public_keys import PublicKeys
from gateway.app import create_gateway
from gateway.ended_sessions import EndedSessions
from gateway.internal_tokens import InternalTokens
from localservers.proxy import TcpProxy
from services.workflow.api import progress
from tests.services.workflow.conftest import Desk, make_desk
from tests.support import ISSUER, Tokens

outside = Tokens()
CITIZEN = outside.headers("cases:read cases:withdraw", sub="p-1", party="org-1")


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # so that an answer of unknown length comes in chunks

    def log(self, *_arguments: Any) -> None:
        pass


@contextmanager
def serving(app: Any) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class Platform:
    """A gateway at ``port``; ``network`` is between it and workflow."""

    def __init__(self, desk: Desk, port: int, network: TcpProxy) -> None:
        self.desk, self.port, self.network = desk, port, network

    def follow(self, case_no: str, last: str = "") -> HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = CITIZEN | ({"Last-Event-ID": last} if last else {})
        connection.request("GET", f"/api/v1/cases/{case_no}/events", headers=headers)
        return connection.getresponse()


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(progress, "_free", threading.BoundedSemaphore(progress.STREAMS))
    with ExitStack() as stack:
        desk = stack.enter_context(contextmanager(make_desk)(tmp_path, None))
        network = stack.enter_context(TcpProxy(stack.enter_context(serving(desk.client.application))))
        directory = StaticDirectory({})
        directory.add("workflow", Remote("127.0.0.1", network.port))
        access = TokenVerifier(PublicKeys(outside.jwks), ISSUER)
        tokens = InternalTokens(access, desk.tokens.key, EndedSessions(lambda _tag: None))
        gateway = create_gateway(directory, tokens, Health(), log_level="ERROR")
        stack.callback(gateway.close)
        yield Platform(desk, stack.enter_context(serving(gateway)), network)


def next_move(stream: HTTPResponse) -> tuple[str, str]:
    """Id and data of the next event."""
    event: dict[str, str] = {}
    while "data" not in event:
        line = stream.readline().decode()
        assert line, "the stream ended"
        name, _, value = line.rstrip("\n").partition(": ")
        event |= {name: value} if value else {}
    return event["id"], event["data"]


def state_of(data: str) -> str:
    return str(json.loads(data)["after"])


def test_a_move_reaches_who_follows_as_it_happens(platform: Platform) -> None:
    case_no = platform.desk.new_case()
    with platform.follow(case_no) as stream:
        assert (stream.status, stream.headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        first, data = next_move(stream)
        assert '"received"' in data
        platform.desk.agree(case_no, ("education", "accept"))
        second, data = next_move(stream)
        assert int(second) > int(first)
        assert state_of(data) == platform.desk.show(case_no)["timeline"][1]["after"]


def test_over_a_restart_of_the_service_nothing_is_missed_and_nothing_told_twice(platform: Platform) -> None:
    case_no = platform.desk.new_case()
    with platform.follow(case_no) as stream:
        last, data = next_move(stream)
        heard = [state_of(data)]
        platform.network.refuse()
        with pytest.raises((AssertionError, HTTPException, OSError)):
            next_move(stream)
    with platform.follow(case_no, last) as away:
        assert away.status in (502, 503)
    platform.desk.agree(case_no, ("education", "accept"))
    platform.network.restore()
    timeline = [one["after"] for one in platform.desk.show(case_no)["timeline"]]
    with platform.follow(case_no, last) as again:
        assert again.status == 200
        while len(heard) < len(timeline):
            heard.append(state_of(next_move(again)[1]))
    assert heard == timeline
    assert len(heard) > 1


def test_streams_are_few_others_are_served_and_one_that_is_left_makes_room(platform: Platform) -> None:
    case_no = platform.desk.new_case()
    with ExitStack() as open_ones:
        for _ in range(progress.STREAMS):
            next_move(open_ones.enter_context(platform.follow(case_no)))
        refused = platform.follow(case_no)
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert b'"too_many_streams"' in refused.read()
        connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
        connection.request("GET", f"/api/v1/cases/{case_no}", headers=CITIZEN)
        assert connection.getresponse().status == 200
        connection.close()
    platform.network.cut()
    platform.desk.agree(case_no, ("education", "accept"))  # this server sees that they have gone when it writes
    while (again := platform.follow(case_no)).status == 503:
        again.read()
        platform.desk.show(case_no)
    next_move(again)
    again.close()


def test_a_stranger_follows_nothing(platform: Platform) -> None:
    case_no = platform.desk.new_case()
    connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
    other = outside.headers("cases:read", sub="p-2", party="org-2")
    connection.request("GET", f"/api/v1/cases/{case_no}/events", headers=other)
    answer = connection.getresponse()
    assert answer.status == 404
    assert b"received" not in answer.read()
    connection.close()
