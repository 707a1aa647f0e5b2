"""``python -m faults clocks``: random histories of cases, every date of which an independent oracle computes again.

Bugs planted in the clock must be found by the same histories: a campaign that finds none proves nothing.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from unittest import mock

import click

from evidence.record import write_evidence
from faults.clock_histories import Workdays, invented_workdays, play
from faults.clock_oracle import WORK_2025_2026
from services.workflow.domain import deadline
from services.workflow.domain.deadline import Halt

CHUNK = 500
SHOWN = 10
Found = tuple[int, int, list[str]]
"""Histories, dates compared, and what differed."""


def compare(first_seed: int, histories: int) -> Found:
    """Play so many histories; their seeds count on from ``first_seed``."""
    dates, wrong = 0, []
    for seed in range(first_seed, first_seed + histories):
        rng = random.Random(seed)
        first, is_workday = _calendar(rng)
        for clock, said, computed in play(rng, first, is_workday):
            dates += 1
            if said != computed:
                wrong.append(f"seed {seed}, {clock}: {said}, oracle {computed}")
                break
    return histories, dates, wrong


def _calendar(rng: random.Random) -> tuple[date, Workdays]:
    """The published years for short histories' sake now and then, else years that nobody has published."""
    if rng.random() < 0.3:
        first = date(2025, 1, 1) + timedelta(days=rng.randrange(60))
        return first, lambda on: on in WORK_2025_2026 if on.year < 2027 else on.isoweekday() <= 5
    return date(2027, 1, 1) + timedelta(days=rng.randrange(400)), invented_workdays(rng)


def _counts_the_first_day(after: Callable[..., date]) -> Callable[..., date]:
    return lambda self, start, amount, *rest, **more: after(self, start, max(0, amount - 1), *rest, **more)


@contextmanager
def _patched(target: Any, name: str, value: Any) -> Iterator[None]:
    with mock.patch.object(target, name, value):
        yield


_COUNT = deadline._Count  # noqa: SLF001
PLANTED: dict[str, tuple[Any, str, Any]] = {
    "the first day is counted": (_COUNT, "_after", _counts_the_first_day(_COUNT._after)),  # noqa: SLF001
    "a last day of rest is the last day": (_COUNT, "roll", lambda _self: None),
    "a halt begins on the day it is told": (Halt, "covers", lambda self, on: self.began <= on <= self.ended),
    "the last day of a halt counts": (Halt, "covers", lambda self, on: self.began < on < self.ended),
    "a month has thirty days": (deadline, "after_months", lambda start, amount: start + timedelta(days=30 * amount)),
    "an extension is forgotten": (_COUNT, "extend_from", lambda _self, _start, _longer, _extension: None),
}


def find_planted(histories: int) -> dict[str, bool]:
    """Planted bug -> whether so many histories find it."""
    found = {}
    for bug, (target, name, value) in PLANTED.items():
        with _patched(target, name, value):
            found[bug] = bool(compare(0, histories)[2])
    return found


@click.command("clocks")
@click.option("--histories", default=100_000, show_default=True, help="how many random histories")
def main(histories: int) -> None:
    """时限推演 / the statutory clock against its oracle."""
    starts = range(0, histories, CHUNK)
    played, dates, wrong = 0, 0, []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for some, compared, differing in pool.map(compare, starts, [min(CHUNK, histories - s) for s in starts]):
            played, dates = played + some, dates + compared
            wrong += differing
    found = find_planted(CHUNK)
    print(f"{played} 个办件历程，{dates} 个期限，{len(wrong)} 处不符 / histories, dates, differences")
    print(*wrong[:SHOWN], sep="\n")
    for bug, seen in found.items():
        print(f"{'发现 / found' if seen else '未发现 / missed'}: {bug}")
    passed = write_evidence(
        "clocks",
        {
            "histories": played,
            "dates": dates,
            "differences": len(wrong),
            "planted": len(found),
            "found": sum(found.values()),
        },
        {
            "differences": ("0 between the clock and its oracle", not wrong),
            "planted": ("every planted bug found", all(found.values())),
        },
    )
    sys.exit(0 if passed else 1)
