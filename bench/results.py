"""What each part of the benchmark showed: kept in ``build/evidence/bench.json``, and shown."""

from __future__ import annotations

from collections.abc import Mapping

from evidence.parts import keep_part


def keep(part: str, figures: Mapping[str, float], goals: Mapping[str, tuple[str, bool]]) -> bool:
    """See keep_part."""
    return keep_part("bench", part, figures, goals)


def show(goals: Mapping[str, tuple[str, bool]], figures: Mapping[str, float]) -> None:
    """Print each goal with what was measured."""
    print()
    for name, (goal, met) in goals.items():
        print(f"{'达到 / met   ' if met else '未达到 / MISSED'}  {name} = {figures[name]}   目标 / goal {goal}")
