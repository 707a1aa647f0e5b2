"""How many cases are under way in a round, and when it is over."""

from __future__ import annotations

import time

POLL_S = 0.005
SILENCE_S = 60.0


class Stuck(Exception):
    """No case was decided for a long time."""


class Waiting:
    """Counts one round of ``wanted`` cases."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._moved_at = time.monotonic()
        self.started = 0
        self.decided = 0

    @property
    def over(self) -> bool:
        """True when every case is decided."""
        return self.decided >= self._wanted

    def room(self, in_flight: int) -> int:
        """How many more may be started now."""
        return min(in_flight - (self.started - self.decided), self._wanted - self.started)

    def look(self, decided: int) -> None:
        """Take the count in; sleep a little when it has not moved. Raises Stuck."""
        if decided > self.decided:
            self.decided, self._moved_at = decided, time.monotonic()
            return
        if time.monotonic() - self._moved_at > SILENCE_S:
            raise Stuck(f"{self.decided} of {self.started} cases decided")
        time.sleep(POLL_S)
