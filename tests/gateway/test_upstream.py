"""Services that answer well, late, wrongly or not at all; each is a real socket."""

import gzip
import socket
import threading
from typing import Any

import pytest

from chassis.discovery import Remote
from gateway import proxy as proxy_module
from gateway.routes import Route
from tests.gateway.scripted import (
    SocketService,
    call,
    environ,
    make_gateway,
    reset,
    response,
    socket_service,
    start,
)
from tests.support import Tokens

tokens = Tokens()
HEADERS = tokens.headers("cases:read")


def always(answer: bytes) -> Any:
    def talk(connection: socket.socket, service: SocketService) -> None:
        while service.read_request(connection):
            connection.sendall(answer)

    return talk


def test_a_connection_is_kept_and_used_again() -> None:
    with socket_service(always(response(b"{}", "X-Own: 1"))) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        for _ in range(5):
            answer = call(gateway, "GET", "/api/v1/cases?state=%E5%8A%9E&x=[1]", HEADERS)
            assert (answer.status, answer.body, answer.headers["x-own"]) == (200, b"{}", "1")
        assert service.connections == 1
        head = service.requests[0].decode()
        assert head.startswith("GET /api/v1/cases?state=%E5%8A%9E&x=[1] HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{service.remote.port}\r\n" in head
        gateway.close()


def test_a_connection_that_streamed_an_answer_is_given_back_once() -> None:
    long = b"x" * 200_000
    with socket_service(always(response(long))) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        _, _, stream = start(gateway, environ("GET", "/api/v1/cases", HEADERS))
        assert b"".join(stream) == long
        stream.close()  # as the server does after the end
        first = start(gateway, environ("GET", "/api/v1/cases", HEADERS))
        second = start(gateway, environ("GET", "/api/v1/cases", HEADERS))
        assert (b"".join(first[2]), b"".join(second[2])) == (long, long)
        assert service.connections == 2
        gateway.close()


def test_a_path_is_quoted_again_on_the_way() -> None:
    with socket_service(always(response(b"{}"))) as service:
        gateway = make_gateway(tokens, catalog=service.remote)
        call(gateway, "GET", "/api/v1/items/校车 %2e?".encode().decode("latin-1"))
        assert service.requests[0].startswith(b"GET /api/v1/items/%E6%A0%A1%E8%BD%A6%20%252e HTTP/1.1\r\n")
        gateway.close()


def test_nobody_listening_is_502() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = call(make_gateway(tokens, workflow=Remote("127.0.0.1", port)), "GET", "/api/v1/cases", HEADERS)
    assert answer.is_problem(502, "upstream_failed")
    assert answer.json["service"] == "workflow"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it?",
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\n folded\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=[
        "no answer",
        "not http",
        "cut short",
        "endless header",
        "too many headers",
        "cut status",
        "no length",
        "folded header",
    ],
)
def test_an_answer_that_cannot_be_passed_on_is_502(answer: bytes) -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(answer)

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).is_problem(502, "upstream_failed")


def test_a_reset_is_502_and_is_not_repeated_on_a_new_connection() -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        reset(connection)

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).is_problem(502, "upstream_failed")
        assert len(service.requests) == 1


def test_silence_is_504(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = Route("/api/v1/cases", "workflow", timeout_s=0.05)
    monkeypatch.setattr(proxy_module, "find_route", lambda _path: hurried)

    def talk(connection: socket.socket, service: SocketService) -> None:
        while service.read_request(connection):
            pass
        service.gone.set()

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).is_problem(504, "upstream_timeout")
        assert service.gone.wait(10), "the connection to a silent service is closed"
        assert len(service.requests) == 1


def closing_after_first(close: Any) -> Any:
    """Answers the first request of the first connection, then closes without an answer when the second has arrived."""

    def talk(connection: socket.socket, service: SocketService) -> None:
        first = service.connections == 1
        while service.read_request(connection):
            if first and len(service.requests) == 2:
                close(connection)
                return
            connection.sendall(response(b"{}"))

    return talk


@pytest.mark.parametrize("close", [socket.socket.close, reset])
@pytest.mark.parametrize(
    ("method", "headers", "body"),
    [
        ("GET", {}, b""),
        ("HEAD", {}, b""),
        ("PUT", {}, b"x"),
        ("DELETE", {}, b""),
        ("POST", {"Idempotency-Key": "k"}, b"xyz"),
    ],
)
def test_a_stale_connection_is_replaced_where_repeating_does_no_harm(
    method: str, headers: dict[str, str], body: bytes, close: Any
) -> None:
    with socket_service(closing_after_first(close)) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).status == 200
        assert call(gateway, method, "/api/v1/cases", HEADERS | headers, body).status == 200
        assert [head.split()[0].decode() for head in service.requests] == ["GET", method, method]
        gateway.close()


def test_a_post_without_idempotency_key_never_meets_a_stale_connection() -> None:
    with socket_service(closing_after_first(socket.socket.close)) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).status == 200
        assert call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}").status == 200
        assert (service.connections, len(service.requests)) == (2, 2)
        gateway.close()


def test_a_post_without_idempotency_key_is_not_sent_twice() -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        assert call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}").is_problem(502, "upstream_failed")
        assert len(service.requests) == 1


def test_a_connection_that_was_closed_while_idle_is_not_used_even_for_a_post() -> None:
    closed = threading.Event()

    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(response(b"{}"))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        for _ in range(3):
            closed.clear()
            assert call(gateway, "POST", "/api/v1/cases", HEADERS, b"{}").status == 200
            assert closed.wait(10)
        assert (service.connections, len(service.requests)) == (3, 3)


def test_an_error_once_answering_has_begun_is_not_repeated() -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(response(b"{}"))
        service.read_request(connection)
        connection.sendall(b"HTTP/1.1 200")

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).status == 200
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).is_problem(502, "upstream_failed")
        assert len(service.requests) == 2


def test_hop_by_hop_and_framing_headers_of_the_service_do_not_pass() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 999\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
        b"Content-Type: text/plain\r\nX-Request-ID: theirs\r\nServer: inner\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    with socket_service(always(answer)) as service:
        got = call(make_gateway(tokens, workflow=service.remote), "GET", "/api/v1/cases", HEADERS)
        assert got.body == b"abcde"
        assert not {"transfer-encoding", "content-length", "connection", "x-hop", "server"} & set(got.headers)
        assert got.headers["x-request-id"] != "theirs"


def test_chunks_pass_as_they_come() -> None:
    go_on = threading.Event()

    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert go_on.wait(10)
        connection.sendall(b"6\r\nsecond\r\n0\r\n\r\n")

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        _, _, body = start(gateway, environ("GET", "/api/v1/cases", HEADERS))
        parts = iter(body)
        assert next(parts) == b"first"
        go_on.set()
        assert b"".join(parts) == b"second"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_leaves_the_connection_usable(status: str) -> None:
    with socket_service(always(f'HTTP/1.1 {status}\r\nETag: "a"\r\n\r\n'.encode())) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        for _ in range(3):
            answer = call(gateway, "GET", "/api/v1/cases", HEADERS)
            assert (answer.status, answer.body, answer.headers["etag"]) == (int(status[:3]), b"", '"a"')
        assert service.connections == 1
        gateway.close()


def test_encoded_bodies_pass_untouched() -> None:
    packed = gzip.compress(b"text" * 100)
    with socket_service(always(response(packed, "Content-Encoding: gzip"))) as service:
        answer = call(
            make_gateway(tokens, workflow=service.remote), "GET", "/api/v1/cases", HEADERS | {"Accept-Encoding": "gzip"}
        )
        assert (answer.body, answer.headers["content-encoding"]) == (packed, "gzip")
        assert b"\r\nAccept-Encoding: gzip\r\n" in service.requests[0]


def test_problems_of_the_service_pass_as_they_are() -> None:
    body = b'{"code":"case_closed"}'
    answer = response(body, "Content-Type: application/problem+json", status="409 Conflict")
    with socket_service(always(answer)) as service:
        got = call(make_gateway(tokens, workflow=service.remote), "POST", "/api/v1/cases", HEADERS, b"{}")
        assert (got.status, got.body) == (409, body)


def test_a_service_that_restarts_is_found_again() -> None:
    gateway = make_gateway(tokens, workflow=Remote("127.0.0.1", 1))
    with socket_service(always(response(b"1"))) as first:
        gateway = make_gateway(tokens, workflow=first.remote)
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).body == b"1"
    assert call(gateway, "GET", "/api/v1/cases", HEADERS).is_problem(502, "upstream_failed")
    with socket_service(always(response(b"2"))) as second:
        gateway._directory.add("workflow", second.remote)  # type: ignore[attr-defined]
        assert call(gateway, "GET", "/api/v1/cases", HEADERS).body == b"2"
    gateway.close()


def test_many_threads_share_the_pool_and_never_an_answer() -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        while head := service.read_request(connection):
            connection.sendall(response(head.split()[1]))

    wrong: list[Any] = []

    def ask(thread: int) -> None:
        for n in range(40):
            path = f"/api/v1/cases/{thread}-{n}"
            if (body := call(gateway, "GET", path, HEADERS).body) != path.encode():
                wrong.append((path, body))

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, workflow=service.remote)
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert service.connections <= 16
        gateway.close()
