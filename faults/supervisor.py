"""Starts again what has ended, as systemd or Kubernetes would."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from localservers.processes import Processes

LOOK_S = 0.05


class Supervisor:
    """Watches ``processes`` while the block runs. ``deaths`` counts what ended or was killed from elsewhere."""

    def __init__(self, processes: Processes) -> None:
        self.deaths: Counter[str] = Counter()
        self._processes = processes
        self._lock = threading.Lock()
        self._away: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def replace(self, name: str, *, failpoint: str = "") -> None:
        """Kill a program and start it again, with ``failpoint`` armed until it ends the next time. Counts as no death."""
        with self._lock:
            self._away.discard(name)
            self._processes.kill(name)
            self._processes.restart(name, {"TONGBAN_FAILPOINT": failpoint})

    def kill(self, name: str) -> None:
        """kill -9 a program; it is started again like any that ended."""
        with self._lock:
            self._processes.kill(name)

    def stop(self, name: str) -> None:
        """Kill a program and leave it away until it is replaced."""
        with self._lock:
            self._away.add(name)
            self._processes.kill(name)

    @contextmanager
    def aside(self, name: str) -> Iterator[None]:
        """Leave a program to the block, which stops it and starts it again."""
        with self._lock:
            self._away.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._away.discard(name)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            with self._lock:
                for name in set(self._processes.ended()) - self._away:
                    self.deaths[name] += 1
                    self._processes.restart(name)
