"""Keep-alive connections to the services, a stack per instance."""

from __future__ import annotations

import http.client
import select
import time
from collections import deque

from chassis.discovery import Remote

CONNECT_TIMEOUT_S = 2.0
MAX_IDLE = 64
IDLE_S = 20.0  # shorter than the services' own patience with an idle connection (30 s)


class NotReached(ConnectionError):
    """No connection came about: the service has seen nothing of the request."""


class Pool:
    """Connections that wait for their next request. Safe for threads: a deque's ends are atomic."""

    def __init__(self) -> None:
        self._idle: dict[Remote, deque[tuple[http.client.HTTPConnection, float]]] = {}

    def take(self, remote: Remote) -> http.client.HTTPConnection | None:
        """The connection used last that still seems open, or None."""
        idle = self._idle.get(remote)
        while idle:
            try:
                connection, since = idle.pop()
            except IndexError:
                return None
            if time.monotonic() - since < IDLE_S and not _readable(connection):
                return connection
            connection.close()
        return None

    def give(self, remote: Remote, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose response was read to its end."""
        idle = self._idle.setdefault(remote, deque())
        if connection.sock is None or len(idle) >= MAX_IDLE:
            connection.close()
        else:
            idle.append((connection, time.monotonic()))

    def close(self) -> None:
        """Close what is idle."""
        for idle in self._idle.values():
            while idle:
                idle.pop()[0].close()


def connect(remote: Remote) -> http.client.HTTPConnection:
    """A new connection. Raises NotReached."""
    connection = http.client.HTTPConnection(remote.host, remote.port, timeout=CONNECT_TIMEOUT_S)
    try:
        connection.connect()
    except OSError as error:
        raise NotReached(f"{remote.host}:{remote.port}: {error!r}") from error
    return connection


def _readable(connection: http.client.HTTPConnection) -> bool:
    """An idle connection with something to read was closed by the service (or is out of step): not to be used."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))
