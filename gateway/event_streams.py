"""Server-sent events that pass the gateway. A stream would hold up its end; its client comes again by itself, to another one."""

from __future__ import annotations

import threading

from chassis import stopping
from gateway.observe import Exchange
from gateway.upstream import Answer, RemoteAnswer

MEDIA_TYPE = "text/event-stream"


class EventStreams:
    """Those that are open. In one process with a service they end when the service ends them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, RemoteAnswer] = {}

    def follow(self, answer: Answer, exchange: Exchange) -> None:
        """Know of it until ``exchange`` ends, if it is one."""
        if not isinstance(answer, RemoteAnswer) or not _is_events(answer):
            return
        with self._lock:
            self._open[id(answer)] = answer
        exchange.holds(lambda: self._forget(answer))
        if stopping.closing():
            answer.hang_up()

    def end(self) -> None:
        """End all: for their clients as if their services had."""
        with self._lock:
            answers = list(self._open.values())
        for answer in answers:
            answer.hang_up()

    def _forget(self, answer: RemoteAnswer) -> None:
        with self._lock:
            self._open.pop(id(answer), None)


def _is_events(answer: RemoteAnswer) -> bool:
    return any(name.lower() == "content-type" and value.startswith(MEDIA_TYPE) for name, value in answer.headers)
