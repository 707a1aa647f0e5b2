"""A thread that repeats one step until told to stop. Errors are logged and waited out, with jitter."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()


LONGEST_WAIT_S = 2.0


def backoff_s(attempt: int, *, base_s: float = 0.2, ceiling_s: float = 300.0) -> float:
    """Exponential back-off with full jitter in its upper half; ``attempt`` counts from 1."""
    ceiling = min(ceiling_s, base_s * 2.0 ** min(attempt - 1, 30))
    return ceiling * (0.5 + random.random() / 2)


class Loop(threading.Thread):
    """Runs ``step`` again and again. ``step`` returns the seconds to wait; ``nudge`` ends a wait early."""

    def __init__(self, name: str, step: Callable[[], float]) -> None:
        super().__init__(name=name, daemon=True)
        self._step = step
        self._wake = threading.Event()
        self.stopping = threading.Event()
        self.failures = 0

    def nudge(self) -> None:
        """Run the next step now."""
        self._wake.set()

    def stop(self) -> None:
        """Finish the step in hand and end."""
        self.stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Thread body."""
        while not self.stopping.is_set():
            self._wake.wait(self._one())
            self._wake.clear()

    def _one(self) -> float:
        try:
            wait_s = self._step()
            self.failures = 0
            return wait_s
        except Exception:
            self.failures += 1
            log.exception("loop_step_failed", loop=self.name, failures=self.failures)
            return backoff_s(self.failures, ceiling_s=LONGEST_WAIT_S)
