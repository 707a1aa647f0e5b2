"""So many at once, and nobody waits: a queue would only make everybody late."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

from chassis.errors import Refusal
from gateway.metrics import SHED


class Gate:
    """Counts who is inside. Safe for threads."""

    def __init__(self, name: str) -> None:
        self._name, self._lock = name, threading.Lock()
        self.inside = 0

    def enter(self, most: int) -> None:
        """Go in; whoever did calls ``leave`` once. Raises Refusal ``overloaded`` when ``most`` are inside."""
        with self._lock:
            if self.inside < most:
                self.inside += 1
                return
        raise overloaded(self._name)

    def leave(self) -> None:
        """Go out."""
        with self._lock:
            self.inside -= 1


class Seat:
    """A place behind a gate that may be given up for a while. Only one thread uses it."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._taken = gate, False

    def take(self, most: int) -> None:
        """See ``Gate.enter``."""
        self._gate.enter(most)
        self._taken = True

    def leave(self) -> None:
        """Give it up, if it is taken."""
        if self._taken:
            self._taken = False
            self._gate.leave()


class SharedGate(Gate):
    """A gate at which nobody takes all the room."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._each: Counter[str] = Counter()

    def enter_as(self, who: str | None, most: int, most_each: int) -> Callable[[], None]:
        """Go in as ``who`` (None: nobody to be counted); returns how to go out. Raises Refusal ``overloaded``."""
        self.enter(most)
        if who is None:
            return self.leave
        with self._lock:
            self._each[who] += 1
            mine = self._each[who]
        leave = partial(self._leave_as, who)
        if mine > most_each:
            leave()
            raise overloaded(self._name)
        return leave

    def _leave_as(self, who: str) -> None:
        with self._lock:
            self._each[who] -= 1
            if not self._each[who]:
                del self._each[who]
        self.leave()


def overloaded(gate: str) -> Refusal:
    """The refusal, counted."""
    SHED.labels(gate).inc()
    return Refusal("overloaded", "当前访问人数较多，请稍后再试 / too busy at the moment, try again shortly", limit=gate)
