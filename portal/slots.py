"""预约的时段: what is offered for an item, as a page lets people choose: venue, day, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.api import path
from portal.session import api

Slot = Mapping[str, Any]


@dataclass(frozen=True)
class Offer:
    """``venues`` and ``days`` are those with a free place; ``free`` and ``full`` are times of the chosen venue and day."""

    venues: Sequence[str] = ()
    days: Sequence[str] = ()
    venue: str = ""
    day: str = ""
    free: Sequence[Slot] = field(default_factory=list)
    full: Sequence[Slot] = field(default_factory=list)


def offer_of(item_code: str, *, venue: str = "", day: str = "") -> Offer:
    """Of the item, at the venue and on the day; the first that has a free place where none, or one without, was chosen."""
    slots: list[Slot] = api().get(path("appointment-slots"), item_code=item_code)["slots"]
    venues = list(dict.fromkeys(slot["venue"] for slot in slots if slot["free"]))
    if not venues:
        return Offer()
    venue = venue if venue in venues else venues[0]
    there = [slot for slot in slots if slot["venue"] == venue]
    days = sorted({slot["day"] for slot in there if slot["free"]})
    day = day if day in days else days[0]
    times = [slot for slot in there if slot["day"] == day]
    free, full = ([slot for slot in times if bool(slot["free"]) is wanted] for wanted in (True, False))
    return Offer(venues, days, venue, day, free, full)
