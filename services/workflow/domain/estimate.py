"""When a case will probably be decided: what its open steps have taken in earlier cases of the item, along the plan.

Steps that run side by side end with the longest of them, steps that follow each other add up; a step at work is compared
only with cases that had taken as long. The distributions are drawn from in evenly spread shares, always the same ones, so
that an estimate moves with what happens and not by chance. Steps are taken to be independent; no second round is foreseen.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from services.workflow.domain.history import History

FEWEST = 20
"""With fewer earlier cases than this, nothing is estimated: the committed limit is all that is said."""
SHARES = (0.5, 0.8, 0.95)
_DRAWS = 256
_EVENLY = tuple((place + 0.5) / _DRAWS for place in range(_DRAWS))


@dataclass(frozen=True)
class Part:
    """One step between now and the decision. ``elapsed_h``: working hours since it began, None while it waits."""

    step: str
    after: tuple[str, ...]
    done: bool = False
    elapsed_h: float | None = None


@dataclass(frozen=True)
class Forecast:
    """``hours``: working hours from now within which so many shares of such cases are decided, by ``SHARES``; None when
    nothing can be said. ``n``: how many earlier cases the least known of the steps has. ``longer_than_ever``: a step has taken
    longer than in any of them.
    """

    n: int
    hours: tuple[float, ...] | None
    longer_than_ever: bool = False


def forecast(parts: Sequence[Part], until: str, histories: Mapping[str, History]) -> Forecast:
    """How long until step ``until`` is done."""
    by_name = {part.step: part for part in parts}
    ahead = _ahead(by_name, until)
    known = [histories.get(part.step, History({})) for part in ahead]
    n = min((history.n for history in known), default=0)
    if not ahead or n < FEWEST:
        return Forecast(n, None)
    remaining: dict[str, Sequence[float]] = {}
    for part, history in zip(ahead, known, strict=True):
        passed = history.share_within(part.elapsed_h) if part.elapsed_h is not None else 0.0
        if passed >= 1.0:
            return Forecast(n, None, longer_than_ever=True)
        took = history.quantiles([passed + share * (1.0 - passed) for share in _EVENLY])
        left = [max(took[place] - (part.elapsed_h or 0.0), 0.0) for place in _order(part.step)]
        waits = [remaining[name] for name in part.after if name in remaining]
        begins = map(max, *waits) if len(waits) > 1 else waits[0] if waits else (0.0,) * _DRAWS
        remaining[part.step] = [start + hours for start, hours in zip(begins, left, strict=True)]
    ends = sorted(remaining[until])
    return Forecast(n, tuple(_at(ends, share) for share in SHARES))


def _ahead(by_name: Mapping[str, Part], until: str) -> list[Part]:
    """The steps not done that ``until`` waits for, itself the last, each behind those that it waits for."""
    ordered: dict[str, Part] = {}

    def visit(name: str) -> None:
        part = by_name.get(name)
        if part is None or part.done or name in ordered:
            return
        for earlier in part.after:
            visit(earlier)
        ordered[name] = part

    visit(until)
    return list(ordered.values())


@cache
def _order(step: str) -> tuple[int, ...]:
    """The places of the draws in an order of the step's own."""
    places = list(range(_DRAWS))
    random.Random(step).shuffle(places)  # noqa: S311  # nothing secret: the same order every time
    return tuple(places)


def _at(ordered: Sequence[float], share: float) -> float:
    """The quantile of some ordered values, between the two nearest."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
