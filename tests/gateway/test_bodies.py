"""Bodies: limited both ways of stating a length, streamed both ways, never whole in memory."""

import socket
import threading
import tracemalloc
from typing import Any

import pytest

from gateway.bodies import CHUNK_BYTES
from gateway.routes import MIB
from tests.gateway.scripted import (
    SocketService,
    call,
    content_length,
    echo_gateway,
    environ,
    make_gateway,
    response,
    socket_service,
    start,
)
from tests.support import Tokens

tokens = Tokens()
HEADERS = tokens.headers("materials:write materials:read")
BIG = 20 * MIB


class Source:
    """A client's body of ``size`` bytes; counts what was read and the largest piece asked for."""

    def __init__(self, size: int) -> None:
        self.left, self.read_bytes, self.largest = size, 0, 0

    def read(self, n: int = -1) -> bytes:
        assert n >= 0, "never read it all"
        self.largest = max(self.largest, n)
        piece = b"x" * min(n, self.left)
        self.left -= len(piece)
        self.read_bytes += len(piece)
        return piece


def test_a_body_over_the_limit_by_its_length_is_413_and_not_read() -> None:
    gateway, echo = echo_gateway(tokens)
    for path, limit in (
        ("/api/v1/cases", MIB),
        ("/api/v1/licences/verification", 6 * MIB),
        ("/api/v1/materials", 50 * MIB),
    ):
        source = Source(limit + 1)
        answer = call(gateway, "POST", path, HEADERS, source, CONTENT_LENGTH=str(limit + 1))
        assert answer.is_problem(413, "body_too_large")
        assert answer.json["limit_bytes"] == limit
        assert source.read_bytes == 0
    assert echo.seen == []


def test_a_chunked_body_over_the_limit_is_413_and_nothing_of_it_is_forwarded() -> None:
    gateway, echo = echo_gateway(tokens)
    source = Source(BIG)
    answer = call(gateway, "POST", "/api/v1/cases", HEADERS | {"Transfer-Encoding": "chunked"}, source)
    assert answer.is_problem(413, "body_too_large")
    assert source.read_bytes <= MIB + CHUNK_BYTES, "reading stops at the limit"
    assert echo.seen == []


def test_a_body_of_exactly_the_limit_passes_both_ways() -> None:
    gateway, _ = echo_gateway(tokens)
    by_length = call(gateway, "POST", "/api/v1/cases", HEADERS, Source(MIB), CONTENT_LENGTH=str(MIB))
    chunked = call(gateway, "POST", "/api/v1/cases", HEADERS | {"Transfer-Encoding": "chunked"}, Source(MIB))
    assert by_length.json["body_bytes"] == chunked.json["body_bytes"] == MIB
    assert chunked.json["CONTENT_LENGTH"] == str(MIB)


def test_a_chunked_body_is_refused_where_the_server_does_not_end_it() -> None:
    gateway, echo = echo_gateway(tokens)
    made = environ("POST", "/api/v1/cases", HEADERS | {"Transfer-Encoding": "chunked"}, Source(3))
    del made["wsgi.input_terminated"]
    status, _, body = start(gateway, made)
    assert status.startswith("411")
    assert b'"length_required"' in b"".join(body)
    assert echo.seen == []


@pytest.mark.parametrize("sent", [0, 10, CHUNK_BYTES + 10])
def test_a_body_that_ends_before_its_length_never_counts_as_whole_at_the_service(sent: int) -> None:
    whole: list[bool] = []

    def talk(connection: socket.socket, service: SocketService) -> None:
        whole.append(service.read_request(connection) is not None)

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, documents=service.remote)
        answer = call(gateway, "POST", "/api/v1/materials", HEADERS, Source(sent), CONTENT_LENGTH=str(3 * CHUNK_BYTES))
        assert answer.is_problem(400, "body_truncated")
    assert True not in whole


def test_a_body_that_ends_before_its_length_fails_in_a_local_service_too() -> None:
    gateway, echo = echo_gateway(tokens)
    answer = call(
        gateway, "POST", "/api/v1/materials", HEADERS, Source(CHUNK_BYTES + 1), CONTENT_LENGTH=str(2 * CHUNK_BYTES)
    )
    assert answer.is_problem(400, "body_truncated")
    assert echo.seen == []


def swallow(connection: socket.socket, service: SocketService) -> None:
    """Reads request bodies without keeping them and answers with their size."""
    while head := service.read_request(connection):
        connection.sendall(response(str(content_length(head)).encode()))


@pytest.mark.parametrize("stated", [True, False])
def test_an_upload_of_20_mib_is_never_held_in_memory(stated: bool) -> None:
    source = Source(BIG)
    extra: dict[str, Any] = {"CONTENT_LENGTH": str(BIG)} if stated else {"HTTP_TRANSFER_ENCODING": "chunked"}
    with socket_service(swallow) as service:
        gateway = make_gateway(tokens, documents=service.remote)
        tracemalloc.start()
        answer = call(gateway, "POST", "/api/v1/materials", HEADERS, source, **extra)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gateway.close()
    assert answer.body == str(BIG).encode()
    assert source.largest <= CHUNK_BYTES
    assert peak < 2 * MIB


def test_an_upload_reaches_a_local_service_as_a_stream() -> None:
    sizes: list[int] = []

    def service(got: dict[str, Any], start_response: Any) -> list[bytes]:
        while piece := got["wsgi.input"].read(1 << 20):
            sizes.append(len(piece))
        start_response("201 Created", [("Content-Length", "0")])
        return [b""]

    from chassis.discovery import Local

    gateway = make_gateway(tokens, documents=Local(service))
    assert call(gateway, "POST", "/api/v1/materials", HEADERS, Source(BIG), CONTENT_LENGTH=str(BIG)).status == 201
    assert sum(sizes) == BIG
    assert max(sizes) <= CHUNK_BYTES


def test_a_download_of_20_mib_is_never_held_in_memory() -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        piece = b"y" * CHUNK_BYTES
        while service.read_request(connection):
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n".encode())
            for _ in range(BIG // CHUNK_BYTES):
                connection.sendall(piece)

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, documents=service.remote)
        for _ in range(2):
            tracemalloc.start()
            _, headers, body = start(gateway, environ("GET", "/api/v1/materials/m", HEADERS))
            sizes = [len(piece) for piece in body]
            body.close()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert ("Content-Length", str(BIG)) in headers
            assert (sum(sizes), max(sizes)) == (BIG, CHUNK_BYTES)
            assert peak < 2 * MIB
        assert service.connections == 1, "a body read to its end leaves the connection usable"
        gateway.close()


def test_when_the_client_goes_the_service_is_told() -> None:
    stopped = threading.Event()

    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                connection.sendall(b"z" * CHUNK_BYTES)
        except OSError:
            stopped.set()

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, documents=service.remote)
        _, _, body = start(gateway, environ("GET", "/api/v1/materials/m", HEADERS))
        next(iter(body))
        body.close()  # as the WSGI server does when its client has gone
        assert stopped.wait(10)


def test_a_download_that_breaks_off_is_not_passed_as_whole() -> None:
    def talk(connection: socket.socket, service: SocketService) -> None:
        service.read_request(connection)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {BIG}\r\n\r\n".encode() + b"y" * CHUNK_BYTES)

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, documents=service.remote)
        _, _, body = start(gateway, environ("GET", "/api/v1/materials/m", HEADERS))
        with pytest.raises(Exception, match="IncompleteRead"):
            list(body)


def test_a_service_that_refuses_before_the_end_of_the_upload_is_heard() -> None:
    done = threading.Event()

    def talk(connection: socket.socket, _service: SocketService) -> None:
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(65536)
        connection.sendall(response(b"no", status="409 Conflict"))
        assert done.wait(10)  # keeps the connection open and reads nothing more

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, documents=service.remote)
        answer = call(gateway, "POST", "/api/v1/materials", HEADERS, Source(40 * MIB), CONTENT_LENGTH=str(40 * MIB))
        done.set()
        assert (answer.status, answer.body) == (409, b"no")


def test_a_service_hears_of_a_large_body_when_all_of_it_is_there() -> None:
    heard_after: list[int] = []
    source = Source(BIG)

    def talk(connection: socket.socket, service: SocketService) -> None:
        heard_after.append(source.left)
        swallow(connection, service)

    with socket_service(talk) as service:
        gateway = make_gateway(tokens, documents=service.remote)
        call(gateway, "POST", "/api/v1/materials", HEADERS, source, CONTENT_LENGTH=str(BIG))
        gateway.close()
    assert heard_after == [0]
