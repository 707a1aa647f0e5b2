"""A thread that repeats one step until told to stop. Errors are logged and waited out, with jitter."""

from __future__ import annotations

import math
import random
import threading
import time
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
        self._turn = threading.Condition()
        self._due = 0.0
        self.stopping = threading.Event()
        self.failures = 0

    def nudge(self, within_s: float = 0.0) -> None:
        """Run the next step now, or at most so many seconds from now."""
        due = time.monotonic() + within_s
        with self._turn:
            if due < self._due:
                self._due = due
                self._turn.notify()

    def stop(self) -> None:
        """Finish the step in hand and end."""
        self.stopping.set()
        self.nudge()

    def run(self) -> None:
        """Thread body."""
        while not self.stopping.is_set():
            with self._turn:
                self._due = math.inf  # a nudge during the step is for the next one
            wait_s = self._one()
            with self._turn:
                self._due = min(self._due, time.monotonic() + wait_s)
                while not self.stopping.is_set() and (left_s := self._due - time.monotonic()) > 0:
                    self._turn.wait(left_s)

    def _one(self) -> float:
        try:
            wait_s = self._step()
            self.failures = 0
            return wait_s
        except Exception:
            self.failures += 1
            log.exception("loop_step_failed", loop=self.name, failures=self.failures)
            return backoff_s(self.failures, ceiling_s=LONGEST_WAIT_S)
