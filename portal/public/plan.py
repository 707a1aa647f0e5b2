"""Who works at the same time as whom, read from an item's plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def stages_of(plan: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The steps in groups, in order: those of a group wait for earlier groups only, and run side by side."""
    stages: list[list[dict[str, Any]]] = []
    waiting, done = list(plan), set[str]()
    while waiting:
        stage = [step for step in waiting if done.issuperset(step["after"])] or waiting
        stages.append(stage)
        done.update(step["step"] for step in stage)
        waiting = [step for step in waiting if step["step"] not in done]
    return stages
