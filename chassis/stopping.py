"""What SIGTERM does: how a process leaves without failing a request.

1. It is leaving. Its readiness is 503, Consul is told that it is gone, and every answer closes its connection and says that the
   process leaves. It serves on for TONGBAN_DRAIN_S: until each balancer, registry and gateway has noticed.
2. It is closing. Event streams and waiting requests come to their end, the listener is closed, what is in flight is finished, and
   idle connections are closed: all of that within TONGBAN_STOP_TIMEOUT_S.
3. Consumers settle the batch in hand, jobs their step, and the relay sends what was told last. The process ends with status 0.

Processes without an API (worker, jobs, bridge) begin with 2: nobody sends them requests. So does any at SIGINT, for who presses
Ctrl-C does not want to wait; a second signal ends the wait of 1. A server is two processes: the watcher, which takes the signal,
is in ``chassis.run`` and tells its worker of each phase; here is the worker's side.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from typing import Any

import msgspec

LEAVING, CLOSING = b"leaving", b"closing"
OPTION = "tongban-leaving"
"""Named in the ``Connection`` header of a leaving process's answers, beside ``close``. It concerns the next hop only."""
READY_PATH = "/health/ready"
_READINESS = msgspec.json.encode({"ready": False, "parts": {"process": "leaving"}})

_leaving, _closing = threading.Event(), threading.Event()
_callbacks: list[Callable[[], object]] = []

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


def closing() -> bool:
    """Whether what waits has to come to its end."""
    return _closing.is_set()


def pause(seconds: float) -> bool:
    """Wait so long, or until the process is closing: then False."""
    return not _closing.wait(seconds)


def on_closing(call: Callable[[], object]) -> None:
    """Have it called, from another thread, when the process is closing."""
    _callbacks.append(call)


def listen(watcher: Connection) -> None:
    """In the worker: follow what the watcher says. Tells it that there is something to be left."""
    watcher.send_bytes(b"serving")
    threading.Thread(target=_follow, args=(watcher,), name="stopping", daemon=True).start()


def _follow(watcher: Connection) -> None:
    said = b""
    while said != CLOSING:
        said = watcher.recv_bytes()
        _leaving.set()
    _closing.set()
    for call in _callbacks:
        call()


def seen_leaving(app: WsgiApp) -> WsgiApp:
    """``app``, whose answers show that the process leaves, once it does."""

    def served(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _leaving.is_set():
            return app(environ, start_response)

        def leaving(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, ("Connection", f"close, {OPTION}")], exc_info)

        if environ["PATH_INFO"] == READY_PATH:
            leaving("503 Service Unavailable", [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
            return [_READINESS]
        return app(environ, leaving)

    return served
