"""What each part of ``make chaos`` showed, for people and as figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Self

from faults.ledger import Violation
from faults.rig import Rig

SHOWN = 5


@dataclass
class Result:
    """One part. ``recoveries``: seconds until everything was ready again, by what had been killed."""

    name: str
    cases: int = 0
    faults: int = 0
    violations: list[Violation] = field(default_factory=list)
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def judged(self, rig: Rig, *, faults: int, since: int) -> Self:
        """With the verdict on the platform once all is at rest."""
        self.violations += rig.verdict()
        self.faults, self.cases = faults, len(rig.promises.cases) - since
        return self

    def count(self, kind: str) -> int:
        """Violations of a kind: lost, doubled, wrong."""
        return sum(violation.kind == kind for violation in self.violations)


def line(result: Result) -> str:
    """For people."""
    text = (
        f"{result.name}: {result.cases} 件 / cases, {result.faults} 次故障 / faults, 丢失 lost {result.count('lost')},"
        f" 重复 doubled {result.count('doubled')}, 其他 wrong {result.count('wrong')}"
    )
    for kind, times in result.recoveries.items():
        text += f"\n    {kind:<12} ×{len(times):<4} 恢复 / recovery p50 {median(times):6.1f} s, max {max(times):6.1f} s"
    return text + "".join(f"\n    !! {violation}" for violation in result.violations[:SHOWN])


def conclude(results: Sequence[Result], seconds: float) -> tuple[dict[str, float], dict[str, tuple[str, bool]]]:
    """Figures and goals."""
    figures: dict[str, float] = {"cases": float(sum(r.cases for r in results)), "seconds": round(seconds, 0)}
    for result in results:
        name = result.name.partition(" / ")[2].replace(" ", "_")
        figures |= {f"{name}_cases": float(result.cases), f"{name}_faults": float(result.faults)}
        for kind, times in result.recoveries.items():
            figures[f"{name}_{kind}_recovery_p50_s"] = round(median(times), 2)
            figures[f"{name}_{kind}_recovery_max_s"] = round(max(times), 2)
    figures |= {kind: float(sum(r.count(kind) for r in results)) for kind in ("lost", "doubled", "wrong")}
    goals = {kind: ("= 0", figures[kind] == 0) for kind in ("lost", "doubled", "wrong")}
    return figures, goals
