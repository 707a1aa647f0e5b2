"""A TCP proxy on a loopback port: the network between clients and servers, which a campaign can take away and give back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from localservers.ports import free_port

_READ_BYTES = 256 * 1024
_BACKLOG = 512
_CONNECT_TIMEOUT_S = 3.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: closing sends RST, as a crash would

_T = TypeVar("_T")


class Verdict(Enum):
    """What becomes of a piece of a stream."""

    FORWARD = auto()
    SWALLOW = auto()
    CUT = auto()
    """The piece is dropped and the connection reset on both sides."""


class Watch(Protocol):
    """Sees the two streams of one connection, piece by piece as they were read. Called on the proxy's thread."""

    def from_client(self, data: bytes) -> Verdict:
        """Before it goes to the server."""

    def from_server(self, data: bytes) -> Verdict:
        """Before it goes to the client."""


class TcpProxy:
    """Forwards ``port`` of 127.0.0.1 to the first of the ``upstreams`` (ports there too) that accepts.

    Each connection begins to ask at another upstream, so this is the load balancer before a cluster too. A client that
    comes while none accepts is reset. ``watch`` makes the observer of a new connection.
    """

    def __init__(self, *upstreams: int, watch: Callable[[], Watch] | None = None) -> None:
        self.port = free_port()
        self._upstreams, self._turn, self._watch = upstreams, itertools.count(), watch
        self._frozen = False
        self._ends: set[_End] = set()
        self._buffer = memoryview(
            bytearray(_READ_BYTES)
        )  # one for all: what was read is copied before anything else is
        self._openings: set[asyncio.Task[None]] = set()
        self._listener = _bound(self.port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)

    def __enter__(self) -> Self:
        """Forward from now on."""
        self._thread.start()
        self.restore()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listener.close()

    def refuse(self) -> None:
        """As if no server ran: open connections are reset and new ones refused, until ``restore``."""
        self._do(self._refuse())

    def freeze(self) -> None:
        """As if the network were dead: nothing is accepted, nothing passes. ``restore`` lets pass what was held."""
        self._do(self._freeze())

    def restore(self) -> None:
        """Undo ``refuse`` or ``freeze``."""
        self._do(self._restore())

    def cut(self) -> int:
        """Reset every open connection; returns how many. New ones are served."""
        return self._do(self._cut())

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _refuse(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._listener = _bound(self.port)  # bound but not listening: clients are refused, and the port stays ours
        while self._openings:
            await asyncio.wait(self._openings)
        await self._cut()

    async def _freeze(self) -> None:
        self._loop.remove_reader(self._listener)
        self._steer(frozen=True)

    async def _restore(self) -> None:
        self._listener.listen(_BACKLOG)
        self._loop.add_reader(self._listener, self._accept)
        self._steer(frozen=False)

    async def _cut(self) -> int:
        ends = list(self._ends)
        for end in ends:
            end.reset()
        await asyncio.sleep(0)  # asyncio closes the sockets in its next round
        return len(ends) // 2

    def _steer(self, *, frozen: bool) -> None:
        self._frozen = frozen
        for end in self._ends:
            end.steer(frozen=frozen)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the client has gone again
            client, _ = self._listener.accept()
            opening = self._loop.create_task(self._open(client))
            self._openings.add(opening)
            opening.add_done_callback(self._openings.discard)

    async def _open(self, client: socket.socket) -> None:
        client.setblocking(False)
        server = await self._reach_upstream()
        if server is None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        watch = self._watch() if self._watch else None
        near = _End(self._ends, self._buffer, watch.from_client if watch else None)
        far = _End(self._ends, self._buffer, watch.from_server if watch else None)
        near.other, far.other = far, near
        await self._loop.connect_accepted_socket(lambda: far, server)
        await self._loop.connect_accepted_socket(lambda: near, client)
        for end in (near, far):
            self._ends.add(end)
            end.steer(frozen=self._frozen)

    async def _reach_upstream(self) -> socket.socket | None:
        first = next(self._turn)
        for number in range(len(self._upstreams)):
            server = socket.socket()
            server.setblocking(False)
            port = self._upstreams[(first + number) % len(self._upstreams)]
            try:
                await asyncio.wait_for(self._loop.sock_connect(server, ("127.0.0.1", port)), _CONNECT_TIMEOUT_S)
            except (OSError, TimeoutError):
                server.close()
            else:
                return server
        return None


class _End(asyncio.BufferedProtocol):
    """One of the two sockets of a connection. Reads nothing, not even an end, before ``steer``: ``other`` is open then."""

    other: _End
    _transport: asyncio.Transport

    def __init__(self, ends: set[_End], buffer: memoryview, judge: Callable[[bytes], Verdict] | None) -> None:
        self._ends, self._buffer, self._judge = ends, buffer, judge
        self._frozen = self._other_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        """Gone; the other is closed when what it still has to send is sent."""
        self._ends.discard(self)
        self.other.close()

    def get_buffer(self, _size_hint: int) -> memoryview:
        """Where to read to."""
        return self._buffer

    def buffer_updated(self, size: int) -> None:
        """Pass on what was read."""
        data = bytes(self._buffer[:size])
        verdict = self._judge(data) if self._judge else Verdict.FORWARD
        if verdict is Verdict.FORWARD:
            self.other.send(data)
        elif verdict is Verdict.CUT:
            self.reset()
            self.other.reset()

    def pause_writing(self) -> None:
        """The kernel takes no more for now: read no more from the other."""
        self.other.slow_down(full=True)

    def resume_writing(self) -> None:
        """The kernel takes more."""
        self.other.slow_down(full=False)

    def slow_down(self, *, full: bool) -> None:
        """The other side is, or is no longer, full."""
        self._other_full = full
        self.steer(frozen=self._frozen)

    def steer(self, *, frozen: bool) -> None:
        """Read or not."""
        self._frozen = frozen
        if frozen or self._other_full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Write to this socket."""
        self._transport.write(data)

    def close(self) -> None:
        """Close in order."""
        self._transport.close()

    def reset(self) -> None:
        """Close with RST; what was not sent is dropped."""
        if not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.setblocking(False)
    return listener
