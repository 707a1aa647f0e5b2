"""When a signing key is made, signs, is published, and is gone. Times are the machine's.

A key is published a day before it signs, so that every cache knows it; it signs for a month; and it stays published until
the last token that it signed has run out. A revoked key is published no more from that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

AHEAD = timedelta(days=1)
SIGNS_FOR = timedelta(days=30)
LONGEST_TOKEN = timedelta(hours=1)
SLACK = timedelta(minutes=10)
"""For clocks that differ, and for processes that learn late that the next key signs."""


@dataclass(frozen=True)
class KeyTimes:
    """A key's times. ``verifies_until`` is set when its successor is made."""

    key_id: str
    signs_from: datetime
    verifies_until: datetime | None = None
    revoked_at: datetime | None = None


def current(keys: Iterable[KeyTimes], now: datetime) -> KeyTimes | None:
    """The key that signs now: of those begun and not revoked, the youngest."""
    begun = [key for key in published(keys, now) if key.signs_from <= now]
    return begun[-1] if begun else None


def published(keys: Iterable[KeyTimes], now: datetime) -> list[KeyTimes]:
    """The keys that verify now, the next one included, oldest first."""
    open_ = [k for k in keys if k.revoked_at is None and (k.verifies_until is None or now < k.verifies_until)]
    return sorted(open_, key=lambda key: (key.signs_from, key.key_id))


def next_begins(keys: Sequence[KeyTimes], now: datetime) -> datetime | None:
    """When a key that has to be made now is to begin signing; None while none is needed."""
    signing = current(keys, now)
    if signing is None:
        return now
    if any(key.revoked_at is None and key.signs_from > now for key in keys):
        return None
    return now + AHEAD if now >= signing.signs_from + SIGNS_FOR - AHEAD else None


def gone_after(successor_begins: datetime) -> datetime:
    """Until when the tokens of a key may have to be verified."""
    return successor_begins + LONGEST_TOKEN + SLACK
