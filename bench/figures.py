"""Small statistics and a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Round:
    """One round of W(4): how many cases in which time, and each case's own time, in seconds."""

    cases: int
    seconds: float
    cpu_seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Cases per second."""
        return self.cases / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per case, servers included."""
        return 1000 * self.cpu_seconds / self.cases

    def latency_ms(self, quantile: float) -> float:
        """A quantile of the cases' times, in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def table(rounds: Mapping[str, Sequence[Round]]) -> str:
    """One line per contender, medians over its rounds."""
    lines = [f"{'':<26}{'cases/s':>10}{'CPU ms/case':>14}{'p50 ms':>10}{'p99 ms':>10}"]
    for name, done in rounds.items():
        lines.append(
            f"{name:<26}{median([r.rate for r in done]):>10.1f}{median([r.cpu_ms for r in done]):>14.2f}"
            f"{median([r.latency_ms(0.5) for r in done]):>10.1f}{median([r.latency_ms(0.99) for r in done]):>10.1f}"
        )
    return "\n".join(lines)
