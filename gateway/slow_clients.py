"""Clients that send or read so slowly that they only hold room, and addresses with too many connections.

granian has no time limit for the body of a request, and a thread that waits for one cannot be woken: an answer in its place stops
the whole process. What can be done is to end the client's side of the connection, in the kernel: then the wait is over, the
client reads 408, and the connection is closed. Which connection a request came by granian does not say; it follows from what
the kernel knows of each: it is one of that address on which nothing was sent since the request began, and the last that came
came no earlier than the end of its head, nor did its first byte come later than the request. Two requests of one address that
begin within a second of each other, one stalled and one that the service takes its time for, may be confused; then the next
look finds the body still waited for, and ends another one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from gateway.addresses import network_of
from gateway.metrics import CONNECTIONS, SLOW_CLIENTS
from gateway.rules import Rules
from gateway.sockets import Connection, Sockets, by_address

log = structlog.get_logger()

WATCH_S = 1.0
_AGAIN_S = 3.0  # after which a body that is still waited for was on another connection
_HEAD_SLACK_S = 0.3  # from the last packet of a head to the thread that serves the request
_SENT_SLACK_S = 1.0  # in which the server may say "100 Continue"

Key = tuple[int, str, int]


@dataclass(eq=False)
class Reading:
    """A body that is being received from ``address``. ``ended_at``: when its connection was ended, for it was too slow."""

    address: str
    started: float
    received_bytes: int = 0
    ended_at: float | None = None

    def got(self, count: int) -> None:
        """So many more bytes are here."""
        self.received_bytes += count

    def is_slow(self, now: float, rules: Rules) -> bool:
        """Whether the body has had its time: some seconds, more for what has come, and never more than the longest."""
        if self.ended_at is not None:
            return now - self.ended_at >= _AGAIN_S
        allowed_s = rules.body_start_s + self.received_bytes / rules.body_bytes_per_s
        return now - self.started > min(allowed_s, rules.body_s)


@dataclass
class _Taking:
    """Since when a client has not taken everything, and how much it had taken then."""

    since: float
    taken_bytes: int


@dataclass
class _Began:
    """When something was first seen to have come after our last byte, and when that was sent."""

    at: float
    sent_at: float


class SlowClients:
    """``tick`` looks once. ``is_exempt``: an address that is ours, or a proxy's that keeps slow clients off by itself."""

    def __init__(
        self,
        sockets: Sockets,
        rules: Callable[[], Rules],
        is_exempt: Callable[[str], bool] = lambda _address: False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sockets, self._rules, self._is_exempt, self._now = sockets, rules, is_exempt, now
        self._readings: set[Reading] = set()
        self._lock = threading.Lock()
        self._taking: dict[Key, _Taking] = {}
        self._began: dict[Key, _Began] = {}
        self._ended: set[Key] = set()

    @contextmanager
    def reading(self, address: str) -> Iterator[Reading]:
        """While a body is received from ``address``."""
        reading = Reading(address, self._now())
        with self._lock:
            self._readings.add(reading)
        try:
            yield reading
        finally:
            with self._lock:
                self._readings.discard(reading)

    def tick(self) -> float:
        """Look at every connection and end those that are too slow; the seconds until the next look."""
        now, rules = self._now(), self._rules()
        connections = self._sockets.connections()
        CONNECTIONS.set(len(connections))
        self._note(connections, now)
        for address, group in by_address(connections):
            if not self._is_exempt(address):
                self._end_slow_bodies(address, group, now, rules)
                self._end_slow_readers(group, now, rules)
        ours = [one for one in connections if not self._is_exempt(one.address)]
        for network, group in by_address(ours, network_of):
            self._end_surplus(network, group, rules)
        return WATCH_S

    def _note(self, connections: list[Connection], now: float) -> None:
        began, taking = {}, {}
        for one in connections:
            key, sent_at = _key(one), now - one.sent_s_ago
            if one.received_s_ago < one.sent_s_ago:
                known = self._began.get(key)
                began[key] = known if known and sent_at <= known.sent_at + _HEAD_SLACK_S else _Began(now, sent_at)
            if one.waiting:
                taking[key] = self._taking.get(key) or _Taking(now, one.taken_bytes)
        self._began, self._taking = began, taking
        self._ended &= set(map(_key, connections))

    def _end_slow_bodies(self, address: str, group: list[Connection], now: float, rules: Rules) -> None:
        with self._lock:
            slow = [one for one in self._readings if one.address == address and one.is_slow(now, rules)]
        for reading in sorted(slow, key=lambda one: one.started):
            possible = [one for one in group if _may_carry(one, reading, now) and _key(one) not in self._ended]
            likely = [one for one in possible if self._began_with(one, reading)]
            for one in (likely or possible)[:1]:
                reading.ended_at = now
                group.remove(one)
                self._ended.add(_key(one))
                if self._sockets.stop_reading(one):
                    SLOW_CLIENTS.labels("body").inc()
                    log.warning("slow_body", address=address, received_bytes=reading.received_bytes)

    def _began_with(self, one: Connection, reading: Reading) -> bool:
        began = self._began.get(_key(one))
        return began is not None and began.at <= reading.started + WATCH_S + _HEAD_SLACK_S

    def _end_slow_readers(self, group: list[Connection], now: float, rules: Rules) -> None:
        for one in list(group):
            taking = self._taking.get(_key(one))
            if taking is None or (waited_s := now - taking.since) < rules.reader_s:
                continue
            if one.taken_bytes - taking.taken_bytes >= waited_s * rules.reader_bytes_per_s:
                self._taking[_key(one)] = _Taking(now, one.taken_bytes)
            elif self._sockets.cut(one):
                group.remove(one)
                SLOW_CLIENTS.labels("reader").inc()
                log.warning("slow_reader", address=one.address)

    def _end_surplus(self, address: str, group: list[Connection], rules: Rules) -> None:
        surplus = group[: max(0, len(group) - rules.connections_per_address)]
        if surplus:
            SLOW_CLIENTS.labels("surplus").inc(sum(map(self._sockets.cut, surplus)))
            log.warning("too_many_connections", address=address, connections=len(group))


def _may_carry(one: Connection, reading: Reading, now: float) -> bool:
    nothing_sent_since = now - one.sent_s_ago <= reading.started + _SENT_SLACK_S
    received_since = now - one.received_s_ago >= reading.started - _HEAD_SLACK_S
    return nothing_sent_since and received_since and one.received_bytes > reading.received_bytes


def _key(one: Connection) -> Key:
    return one.descriptor, one.address, one.port
