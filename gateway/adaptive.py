"""How many requests a service takes well at once, learned from how long it takes: additive increase, multiplicative decrease.

A fixed number is too high for a service that has become slow. While answers take about as long as when the service is not busy,
and the limit is in use, it grows by one for each round of answers; when they take much longer, or do not come, it shrinks by a
tenth. It never falls below a floor, so a service is never shut out, nor rises above its share of threads. Slow answers while few
are under way are no sign of too many, and change nothing.

Latency differs by route, so each kind of request is measured against itself; those that wait by design have no kind.
Source: Netflix, concurrency-limits (AIMD, gradient).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from gateway.metrics import ADAPTIVE_LIMIT

SHRINK = 0.9
TOLERANCE = 3.0  # times the usual time, which is noise
TROUBLE_S = 0.5  # what is quicker than this is no trouble, however quick it was before
_DOUBLES_S = 600.0  # in which the usual time may double: what lasts is no overload, but how long it takes now
_KINDS = 256


@dataclass
class _Kind:
    usual_s: float
    at: float

    def follow(self, took_s: float, now: float) -> None:
        """Down at once, up slowly."""
        self.usual_s = min(took_s, self.usual_s * (1 + max(0.0, now - self.at) / _DOUBLES_S))
        self.at = now


@dataclass(frozen=True)
class Share:
    """Of the requests in flight: a service is never given fewer than ``least`` nor more than ``most``."""

    least: float
    most: float


class AdaptiveLimit:
    """One service's limit. Safe for threads. Times are seconds, ``now`` any steady clock's."""

    def __init__(self, service: str, most: float) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}
        self._shrunk_at = float("-inf")
        self.limit = most
        ADAPTIVE_LIMIT.labels(service).set_function(lambda: self.limit)

    def allows(self, in_flight: int, share: Share) -> bool:
        """Whether one more may go to the service."""
        return in_flight < min(max(share.least, self.limit), share.most)

    def answered(self, kind: str, took_s: float, in_flight: int, share: Share, now: float) -> None:
        """A request of ``kind`` was answered; it was one of ``in_flight``."""
        with self._lock:
            known = self._kinds.get(kind)
            if known is None:
                if len(self._kinds) < _KINDS:
                    self._kinds[kind] = _Kind(took_s, now)
                return
            slow = took_s > max(TROUBLE_S, TOLERANCE * known.usual_s)
            known.follow(took_s, now)
            if in_flight * 2 < self.limit:
                return
            if slow:
                self._shrink(took_s, share.least, now)
            else:
                self.limit = min(share.most, self.limit + 1 / max(1.0, self.limit))

    def failed(self, took_s: float, in_flight: int, share: Share, now: float) -> None:
        """No answer came in time, or the service said that it has too much to do."""
        with self._lock:
            if in_flight * 2 >= self.limit:
                self._shrink(took_s, share.least, now)

    def _shrink(self, took_s: float, least: float, now: float) -> None:
        """Once for all that were under way together: they tell of the same trouble."""
        if now - took_s >= self._shrunk_at:
            self.limit, self._shrunk_at = max(least, self.limit * SHRINK), now
