"""好差评: what may be said of a case, and by when a bad rating is followed up. Source: 国办发〔2019〕51号."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import get_args

from contracts.supervision import RatedAspect, RatingLevel

LEVELS: tuple[RatingLevel, ...] = get_args(RatingLevel)
ASPECTS: tuple[RatedAspect, ...] = get_args(RatedAspect)
BAD: frozenset[RatingLevel] = frozenset({1, 2})  # 差评: 非常不满意, 不满意
FOLLOW_UP_WORKING_DAYS = 1


def follow_up_by(level: RatingLevel, given_on: date, is_working_day: Callable[[date], bool]) -> date | None:
    """Last day on which whoever gave a bad rating is to be called back (回访核实); None for the others.

    The day of the rating is not counted. No national number exists; local rules give one working day to whoever rates
    under a name, as everyone here does.
    """
    if level not in BAD:
        return None
    on, left = given_on, FOLLOW_UP_WORKING_DAYS
    while left > 0:
        on += timedelta(days=1)
        left -= is_working_day(on)
    return on
