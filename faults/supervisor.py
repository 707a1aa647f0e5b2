"""Starts again what has ended, as systemd or Kubernetes would."""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType
from typing import Self

from localservers.processes import Processes

LOOK_S = 0.05


class Supervisor:
    """Watches ``processes`` while the block runs. ``deaths`` counts what it started again, by name."""

    def __init__(self, processes: Processes) -> None:
        self.deaths: Counter[str] = Counter()
        self._processes = processes
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

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            for name in self._processes.ended():
                self.deaths[name] += 1
                self._processes.restart(name)
