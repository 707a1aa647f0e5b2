"""How people reach several gateways: a load balancer that asks which are ready, and clients that never repeat what failed.

A client does what HTTP/1.1 has every client do, and no more: a connection that it kept may have been closed while it was idle;
then what is harmless to repeat goes on a new one (RFC 9112 §9.3.1). Everything else that goes wrong is written down.
"""

from __future__ import annotations

import http.client
import itertools
import select
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import msgspec

from localservers.processes import READY_PATH

CHECK_EVERY_S = 1.0
CHECK_TIMEOUT_S = 2.0
TIMEOUT_S = 60.0
_CLOSED_IDLE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
_HARMLESS = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class LoadBalancer:
    """Each request to the next gateway of those that were ready when it last asked; while none was, to any."""

    def __init__(self, gateways: Sequence[str]) -> None:
        self._gateways, self._ready = tuple(gateways), tuple(gateways)
        self._turns = itertools.count()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="load-balancer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def next(self) -> str:
        """Base URL of a gateway."""
        ready = self._ready or self._gateways
        return ready[next(self._turns) % len(ready)]

    def _watch(self) -> None:
        while not self._over.wait(CHECK_EVERY_S):
            self._ready = tuple(one for one in self._gateways if _is_ready(one))


def _is_ready(gateway: str) -> bool:
    try:
        with urllib.request.urlopen(gateway + READY_PATH, timeout=CHECK_TIMEOUT_S):
            return True
    except (urllib.error.URLError, OSError, HTTPException):
        return False


@dataclass(frozen=True)
class Answer:
    """A whole response."""

    status: int
    headers: http.client.HTTPMessage
    data: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.data)


@dataclass(frozen=True)
class Request:
    """One that is over. ``seconds`` to its last byte, of a stream to its first; ``failure`` is empty when it went well."""

    kind: str
    begun: float
    ended: float
    seconds: float
    failure: str


@dataclass
class Record:
    """Every request of all clients. Safe for threads: a list's append is one step."""

    requests: list[Request] = field(default_factory=list)
    replaced: int = 0
    """Connections that turned out to be closed, and the request on them was sent on a new one."""

    def note(self, kind: str, begun: float, failure: str, first_byte: float | None = None) -> None:
        """Write a request down that has ended now."""
        now = time.monotonic()
        self.requests.append(Request(kind, begun, now, (first_byte or now) - begun, failure))

    def during(self, begun: float, ended: float) -> list[Request]:
        """Those that were under way at any moment between the two."""
        return [one for one in list(self.requests) if one.ended >= begun and one.begun <= ended]


class _Sent(NamedTuple):
    """As http.client takes it."""

    method: str
    path: str
    body: bytes | Iterable[bytes] | None
    headers: dict[str, str]

    @property
    def streamed(self) -> bool:
        return self.body is not None and not isinstance(self.body, bytes)

    @property
    def harmless(self) -> bool:
        """To be repeated, which a stream cannot be."""
        return (self.method in _HARMLESS or "Idempotency-Key" in self.headers) and not self.streamed


class Unanswered(Exception):
    """The request failed, and is written down."""


class Client:
    """One person's HTTP client with its kept connections, one per gateway. For one thread."""

    def __init__(self, balancer: LoadBalancer, record: Record) -> None:
        self.record = record
        self._balancer = balancer
        self._kept: dict[str, http.client.HTTPConnection] = {}

    def ask(
        self,
        kind: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
        right: Callable[[Answer], bool] = lambda answer: answer.status < 300,
    ) -> Answer:
        """The answer, if it is ``right``. Raises Unanswered."""
        begun, said = time.monotonic(), ""
        try:
            answer = self._exchange(_Sent(method, path, body, dict(headers or {})))
            if right(answer):
                self.record.note(kind, begun, "")
                return answer
            said = f"{answer.status} {answer.data[:200].decode(errors='replace')}"
        except (OSError, HTTPException, msgspec.DecodeError, KeyError) as error:
            said = repr(error)
        self.record.note(kind, begun, f"{method} {path}: {said}")
        raise Unanswered(said)

    def stream(
        self, kind: str, path: str, headers: Mapping[str, str], take: Callable[[str], bool], until: Callable[[], bool]
    ) -> None:
        """Read an event stream line by line: to its end, or until ``take`` has enough or it is over. Raises Unanswered."""
        begun, first_byte = time.monotonic(), None
        connection = _connection(self._balancer.next())
        try:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            first_byte = time.monotonic()
            if answer.status != 200:
                raise HTTPException(f"{answer.status} {answer.read()[:200].decode(errors='replace')}")
            for line in _lines(answer):
                if until() or not take(line):
                    break
        except (OSError, HTTPException) as error:
            self.record.note(kind, begun, f"GET {path}: {error!r}", first_byte)
            raise Unanswered(repr(error)) from error
        finally:
            connection.close()
        self.record.note(kind, begun, "", first_byte)

    def close(self) -> None:
        """Close what is kept."""
        for connection in self._kept.values():
            connection.close()

    def _exchange(self, request: _Sent) -> Answer:
        gateway = self._balancer.next()
        if request.harmless and (kept := self._kept.pop(gateway, None)):
            if not _closed(kept):
                try:
                    return self._once(kept, gateway, request)
                except _CLOSED_IDLE:
                    self.record.replaced += 1
            kept.close()
        return self._once(_connection(gateway), gateway, request)

    def _once(self, connection: http.client.HTTPConnection, gateway: str, request: _Sent) -> Answer:
        try:
            connection.request(*request, encode_chunked=request.streamed)
            response: HTTPResponse = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._keep(gateway, connection)
        return answer

    def _keep(self, gateway: str, connection: http.client.HTTPConnection) -> None:
        if other := self._kept.get(gateway):
            other.close()
        self._kept[gateway] = connection


def _lines(answer: HTTPResponse) -> Iterator[str]:
    """As they come. Raises HTTPException when the answer breaks off: ``readline`` takes that for its end."""
    rest = b""
    while data := answer.read1(65536):
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in lines)


def _connection(gateway: str) -> http.client.HTTPConnection:
    parts = urlsplit(gateway)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)


def _closed(connection: http.client.HTTPConnection) -> bool:
    """A kept connection with something to read was closed by the other side."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])
