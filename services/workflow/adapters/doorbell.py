"""Wakes requests in this process that wait for a department's tasks. Other processes' changes are seen by polling."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable


class Doorbell:
    """One counter per department; ``wait`` returns when it moved or the time is up."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings: defaultdict[str, int] = defaultdict(int)
        self.waiting = 0

    def ring(self, departments: Iterable[str]) -> None:
        """Something changed for these departments."""
        with self._condition:
            for department in departments:
                self._rings[department] += 1
            self._condition.notify_all()

    def count(self, department: str) -> int:
        """Rings so far; pass it to ``wait``."""
        with self._condition:
            return self._rings[department]

    def wait(self, department: str, seen: int, timeout_s: float) -> None:
        """Return when the department's count is past ``seen``, or after ``timeout_s``."""
        with self._condition:
            self.waiting += 1
            try:
                self._condition.wait_for(lambda: self._rings[department] > seen, timeout_s)
            finally:
                self.waiting -= 1


DOORBELL = Doorbell()
