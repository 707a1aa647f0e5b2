"""Small statistics and a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Round:
    """One round of W(4): how many cases in which time, each case's own time in seconds, CPU seconds by process."""

    cases: int
    seconds: float
    cpu: Mapping[str, float]
    wal_bytes: int
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Cases per second."""
        return self.cases / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per case, servers included."""
        return 1000 * sum(self.cpu.values()) / self.cases

    @property
    def wal_kib(self) -> float:
        """KiB written ahead per case."""
        return self.wal_bytes / self.cases / 1024

    def latency_ms(self, q: float) -> float:
        """A quantile of the cases' times, in milliseconds."""
        return 1000 * quantile(self.latencies, q)


def quantile(values: Sequence[float], q: float) -> float:
    """The value below which a share of ``q`` lies: one of the values, none made up between two."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds between two looks, by name."""
    return {name: after[name] - before[name] for name in after}


def table(rounds: Mapping[str, Sequence[Round]]) -> str:
    """One line per contender, medians over its rounds; then where each contender's CPU went."""
    lines = [f"{'':<26}{'cases/s':>10}{'CPU ms/case':>14}{'p50 ms':>10}{'p99 ms':>10}{'WAL KiB/case':>14}"]
    for name, done in rounds.items():
        lines.append(
            f"{name:<26}{median([r.rate for r in done]):>10.1f}{median([r.cpu_ms for r in done]):>14.2f}"
            f"{median([r.latency_ms(0.5) for r in done]):>10.1f}{median([r.latency_ms(0.99) for r in done]):>10.1f}"
            f"{median([r.wal_kib for r in done]):>14.2f}"
        )
    lines.append("\nCPU ms/件 case")
    for name, done in rounds.items():
        parts = {part: median([1000 * r.cpu[part] / r.cases for r in done]) for part in done[0].cpu}
        lines.append(f"{name:<26}" + "  ".join(f"{part} {ms:.2f}" for part, ms in parts.items()))
    return "\n".join(lines)
