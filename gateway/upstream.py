"""Hand a request to a service, over a socket or in this process, and take its answer as it comes."""

from __future__ import annotations

import http.client
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chassis import stopping
from chassis.discovery import Local, Remote
from gateway.bodies import CHUNK_BYTES, RequestBody
from gateway.pool import Pool, connect

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_CLOSED_IDLE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ConnectionAbortedError)


@dataclass(frozen=True)
class Outgoing:
    """A request ready to be sent. ``target`` is quoted; ``headers`` are without Host and Content-Length. ``kind``: of requests
    that take about as long as each other.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: RequestBody
    timeout_s: float
    kind: str = ""

    @property
    def repeatable(self) -> bool:
        """Whether sending it again does no harm and is possible."""
        harmless = self.method in _IDEMPOTENT or "Idempotency-Key" in self.headers
        return harmless and self.body.whole


class RemoteAnswer:
    """A response over a socket. Reading raises OSError or HTTPException when it breaks off."""

    def __init__(self, pool: Pool, remote: Remote, connection: http.client.HTTPConnection, *, reusable: bool) -> None:
        self._socket = connection.sock
        self._response = connection.getresponse()
        if self._response.length is None and not self._response.chunked:
            # Such a body ends with the connection; http.client even takes a head that was cut short for one with no body.
            raise http.client.HTTPException("the answer does not say where it ends")
        self._pool, self._remote, self._connection = pool, remote, connection
        self._reusable = reusable and not self._response.will_close
        self._closed = self._hung_up = False
        self.leaving = self._response.will_close and stopping.OPTION in (self._response.getheader("Connection") or "")
        self.status = f"{self._response.status} {self._response.reason}"
        self.headers = self._response.getheaders()
        self.length = self._response.length
        self.body: bytes | None = None
        if self._response.chunked:
            self.headers = [(name, value) for name, value in self.headers if name.lower() != "content-length"]

    def read(self) -> bytes:
        """The next chunk, empty at the end and after ``hang_up``."""
        try:
            return self._read()
        except (OSError, http.client.HTTPException):
            if self._hung_up:
                return b""
            raise

    def _read(self) -> bytes:
        if self._response.length is None:
            return self._response.read1(CHUNK_BYTES)
        wanted = min(CHUNK_BYTES, self._response.length)
        data = self._response.read(wanted) if wanted else b""
        if len(data) < wanted:
            raise http.client.IncompleteRead(b"", wanted)
        return data

    def read_if_small(self) -> None:
        """Take all of a small answer into ``body``: then a break in it comes before anything was passed on."""
        if self.length is not None and self.length <= CHUNK_BYTES:
            try:
                self.body = b"".join(chunks(self))
            finally:
                self.close()

    def hang_up(self) -> None:
        """Whoever reads sees the end now. May be called from any thread."""
        self._hung_up = True
        with suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Keep the connection if everything was read, else close it: the service learns that nobody listens."""
        if self._closed:
            return
        self._closed = True
        whole = self._response.isclosed() or self._response.length == 0
        self._response.close()
        if whole and self._reusable:
            self._pool.give(self._remote, self._connection)
        else:
            self._connection.close()


def call_remote(pool: Pool, remote: Remote, request: Outgoing) -> RemoteAnswer:
    """Send and wait for the head of the answer. Raises OSError (TimeoutError among them), HTTPException, ClientDisconnected.

    An idle connection may be closed by the service at any moment. Then the request is sent once more on a new one, if no
    byte of an answer came. What does harm when repeated, or has a large body, goes on a new connection from the start.
    """
    if request.repeatable and (connection := pool.take(remote)):
        with suppress(*_CLOSED_IDLE):
            return _exchange(pool, remote, connection, request)
    return _exchange(pool, remote, connect(remote), request)


def _exchange(pool: Pool, remote: Remote, connection: http.client.HTTPConnection, request: Outgoing) -> RemoteAnswer:
    try:
        connection.sock.settimeout(request.timeout_s)
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", f"{remote.host}:{remote.port}")
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.body.length or request.method in {"POST", "PUT", "PATCH"}:
            connection.putheader("Content-Length", str(request.body.length))
        if request.body.whole:
            connection.endheaders(request.body.first)
            all_sent = True
        else:
            connection.endheaders()
            all_sent = _send(connection, request)
        return RemoteAnswer(pool, remote, connection, reusable=all_sent)
    except BaseException:
        connection.close()
        raise


def _send(connection: http.client.HTTPConnection, request: Outgoing) -> bool:
    """Send a large body; False when the service answered before its end (it refuses, and reads no further)."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN | select.POLLOUT)
    while chunk := request.body.next_chunk():
        view = memoryview(chunk)
        while view:
            ready = poll.poll(request.timeout_s * 1000)
            if not ready:
                raise TimeoutError
            if ready[0][1] & select.POLLIN:
                return False
            view = view[connection.sock.send(view) :]
    return True


class LocalAnswer:
    """A response of a WSGI application in this process."""

    def __init__(self, status: str, headers: list[tuple[str, str]], result: Any, body: RequestBody) -> None:
        self.status, self.headers = status, headers
        self._result, self._chunks, self._body = result, iter(result), body
        stated = next((value for name, value in headers if name.lower() == "content-length"), None)
        self.length = int(stated) if stated else None
        self.body: bytes | None = None
        self.leaving = False

    def read(self) -> bytes:
        """The next chunk, empty at the end."""
        return next(filter(None, self._chunks), b"")

    def close(self) -> None:
        """Tell the application that its response is done with."""
        if hasattr(self._result, "close"):
            self._result.close()
        self._body.close()


Answer = RemoteAnswer | LocalAnswer


def call_local(local: Local, request: Outgoing, environ: dict[str, Any]) -> LocalAnswer:
    """Call the application with an environ of its own: nothing of the client's but what passed the door."""
    head: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        head[:] = [status, headers]
        return None

    result = local.app(_fresh_environ(request, environ), start_response)
    return LocalAnswer(head[0], head[1], result, request.body)


_KEPT = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR",
         "wsgi.version", "wsgi.url_scheme", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once")  # fmt: skip


def _fresh_environ(request: Outgoing, environ: dict[str, Any]) -> dict[str, Any]:
    fresh = {key: environ[key] for key in _KEPT if key in environ}
    fresh |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in request.headers.items()}
    if content_type := fresh.pop("HTTP_CONTENT_TYPE", None):
        fresh["CONTENT_TYPE"] = content_type
    fresh["HTTP_HOST"] = request.headers.get("X-Forwarded-Host", "localhost")
    fresh["SCRIPT_NAME"] = ""
    fresh["CONTENT_LENGTH"] = str(request.body.length)
    fresh["wsgi.input"] = request.body
    fresh["wsgi.input_terminated"] = True
    return fresh


def chunks(answer: Answer) -> Iterator[bytes]:
    """Everything that is left of the answer."""
    while chunk := answer.read():
        yield chunk
