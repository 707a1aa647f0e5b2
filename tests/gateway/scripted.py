"""Services that answer as a test tells them, a client that calls the gateway as a WSGI server would, and real servers."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from chassis.discovery import Endpoint, Local, Remote, StaticDirectory
from chassis.health import Health
from gateway.app import create_gateway
from gateway.proxy import Proxy
from tests.support import Tokens, exchanger


class Answer:
    """What the gateway answered."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.body = int(status[:3]), body
        self.all_headers = headers
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_problem(self, status: int, code: str) -> bool:
        body = self.json
        assert self.headers["content-type"] == "application/problem+json"
        assert body["request_id"] == self.headers["x-request-id"]
        return (self.status, body["status"], body["code"], body["type"]) == (
            status,
            status,
            code,
            f"urn:tongban:problem:{code}",
        )


def environ(
    method: str, path: str, headers: dict[str, str] | None = None, body: Any = b"", **extra: Any
) -> dict[str, Any]:
    """A WSGI environ as granian makes it; ``path`` is percent-decoded latin-1, ``?`` starts the query."""
    path, _, query = path.partition("?")
    source = io.BytesIO(body) if isinstance(body, bytes) else body
    made: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": "tongban.example",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": source,
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body and isinstance(body, bytes):
        made["CONTENT_LENGTH"] = str(len(body))
    for name, value in (headers or {}).items():
        made["HTTP_" + name.upper().replace("-", "_")] = value
    return made | extra


def start(gateway: Proxy, made: dict[str, Any]) -> tuple[str, list[tuple[str, str]], Any]:
    """Status line, headers and the iterable of the body, unread."""
    head: list[Any] = []
    result = gateway(made, lambda status, headers, _exc=None: head.extend([status, headers]))
    return head[0], head[1], result


def call(
    gateway: Proxy, method: str, path: str, headers: dict[str, str] | None = None, body: Any = b"", **extra: Any
) -> Answer:
    status, response_headers, result = start(gateway, environ(method, path, headers, body, **extra))
    try:
        return Answer(status, response_headers, b"".join(result))
    finally:
        if hasattr(result, "close"):
            result.close()


class EchoService:
    """A WSGI service that tells what reached it; keeps every environ it saw."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def __call__(self, got: dict[str, Any], start_response: Any) -> list[bytes]:
        body = got["wsgi.input"].read()
        self.seen.append(got)
        told = {name: value for name, value in got.items() if isinstance(value, str)}
        answer = json.dumps(told | {"body_bytes": len(body)}).encode()
        start_response(
            "200 OK",
            [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(answer))),
                ("Connection", "X-Inner"),
                ("X-Inner", "1"),
                ("Keep-Alive", "timeout=5"),
                ("Server", "inner/1.0"),
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2"),
            ],
        )
        return [answer]


def make_gateway(tokens: Tokens, **endpoints: Endpoint) -> Proxy:
    directory = StaticDirectory({})
    for name, endpoint in endpoints.items():
        directory.add(name, endpoint)
    return create_gateway(directory, exchanger(tokens), Health())


def echo_gateway(tokens: Tokens) -> tuple[Proxy, EchoService]:
    """Every service is the one echo service, in this process."""
    echo = EchoService()
    local = Local(echo)
    names = ("identity", "catalog", "workflow", "documents", "audit")
    return make_gateway(tokens, **dict.fromkeys(names, local)), echo


Talk = Callable[[socket.socket, "SocketService"], None]


class SocketService:
    """A listening socket; ``talk`` plays one connection. ``requests`` holds the request heads in order."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.remote = Remote("127.0.0.1", self._listener.getsockname()[1])
        self.requests: list[bytes] = []
        self.connections = 0
        self.gone = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(connection)
            thread = threading.Thread(target=self._play, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _play(self, connection: socket.socket) -> None:
        try:
            self._talk(connection, self)
        except OSError:
            self.gone.set()
        finally:
            connection.close()

    def read_request(self, connection: socket.socket) -> bytes | None:
        """Head of the next request, body (by Content-Length) thrown away; None at the end of the connection."""
        got = b""
        while b"\r\n\r\n" not in got:
            data = connection.recv(65536)
            if not data:
                return None
            got += data
        head, _, rest = got.partition(b"\r\n\r\n")
        self.requests.append(head)
        left = content_length(head) - len(rest)
        while left > 0:
            data = connection.recv(65536)
            if not data:
                self.gone.set()
                return None
            left -= len(data)
        return head

    def stop_accepting(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def hang_up(self) -> None:
        for connection in self._sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)


def content_length(head: bytes) -> int:
    lines = [line.split(b":", 1) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lines[0][1]) if lines else 0


@contextmanager
def socket_service(talk: Talk) -> Iterator[SocketService]:
    service = SocketService(talk)
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        yield service
    finally:
        service.stop_accepting()
        thread.join(10)
        service.hang_up()


def reset(connection: socket.socket) -> None:
    """Cut the connection with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def response(body: bytes, *more: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode() + body
