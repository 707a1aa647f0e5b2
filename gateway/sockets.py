"""The connections of this process's clients as the kernel sees them: granian shows nothing of them to an application.

Linux: TCP_INFO, see include/uapi/linux/tcp.h.
"""

from __future__ import annotations

import os
import resource
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_DESCRIPTORS = "/proc/self/fd"
_INFO_BYTES = 152
_UNACKED = struct.Struct("=I")  # at 24
_LAST = struct.Struct("=III")  # at 44: ms since data was sent, an acknowledgement was sent, data was received
_BYTES = struct.Struct("=QQ")  # at 120: acknowledged by the other side, received
_NOT_SENT = struct.Struct("=I")  # at 144


@dataclass(frozen=True)
class Connection:
    """A client's connection now. ``waiting``: bytes for the client that it has not taken yet."""

    descriptor: int
    address: str
    port: int
    sent_s_ago: float
    received_s_ago: float
    received_bytes: int
    taken_bytes: int
    waiting: bool


class Sockets:
    """The connections that were accepted on ``port``."""

    def __init__(self, port: int) -> None:
        self._port = port

    def connections(self) -> list[Connection]:
        """All of them."""
        found = []
        for name in os.listdir(_DESCRIPTORS):
            with suppress(OSError), _borrowed(int(name)) as borrowed:
                if (peer := self._peer(borrowed)) is not None:
                    found.append(_connection(int(name), peer, borrowed))
        return found

    def stop_reading(self, connection: Connection) -> bool:
        """Whoever waits for more from the client sees its end now; an answer can still be sent."""
        return self._shut(connection, socket.SHUT_RD)

    def cut(self, connection: Connection) -> bool:
        """End the connection both ways."""
        return self._shut(connection, socket.SHUT_RDWR)

    def _shut(self, connection: Connection, how: int) -> bool:
        """False when the descriptor has become another connection's meanwhile, or nobody's."""
        with suppress(OSError), _borrowed(connection.descriptor) as borrowed:
            if self._peer(borrowed) == (connection.address, connection.port):
                borrowed.shutdown(how)
                return True
        return False

    def _peer(self, borrowed: socket.socket) -> tuple[str, int] | None:
        if borrowed.type != socket.SOCK_STREAM or borrowed.family not in {socket.AF_INET, socket.AF_INET6}:
            return None
        if borrowed.getsockname()[1] != self._port:
            return None
        address, port = borrowed.getpeername()[:2]  # the listening socket has none: OSError
        return address, port


def allow_many() -> None:
    """As many open files as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    """The socket of a descriptor that stays its owner's. Raises OSError for what is no socket.

    Nothing is ever closed here, not even a copy: closing a copy of a database file's descriptor would drop every lock that this
    process holds on it (POSIX, fcntl), and SQLite would destroy the database under itself.
    """
    borrowed = socket.socket(fileno=descriptor)
    try:
        yield borrowed
    finally:
        borrowed.detach()


def _connection(descriptor: int, peer: tuple[str, int], borrowed: socket.socket) -> Connection:
    info = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    sent_ms, _, received_ms = _LAST.unpack_from(info, 44)
    taken, received = _BYTES.unpack_from(info, 120)
    waiting = _UNACKED.unpack_from(info, 24)[0] or _NOT_SENT.unpack_from(info, 144)[0]
    return Connection(descriptor, *peer, sent_ms / 1000, received_ms / 1000, received, taken, bool(waiting))


def by_address(
    connections: list[Connection], name: Callable[[str], str] = str
) -> Iterator[tuple[str, list[Connection]]]:
    """Connections of each address, or of each ``name`` of addresses; those that have done nothing for the longest time first."""
    groups: dict[str, list[Connection]] = {}
    for one in connections:
        groups.setdefault(name(one.address), []).append(one)
    for address, group in groups.items():
        yield address, sorted(group, key=_idle_s, reverse=True)


def _idle_s(connection: Connection) -> float:
    return min(connection.sent_s_ago, connection.received_s_ago)
