"""Who may tell which event on a broker: its owner only. Departments speak through the gateway, which has checked them."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from contracts.registry import EVENTS

DEPARTMENTS_DOOR = "gateway"


class _Told(msgspec.Struct):
    """The parts of a CloudEvent that say who speaks and of what."""

    type: str
    source: str


_decoder = msgspec.json.Decoder(_Told)


def may_tell(user: str, body: bytes) -> bool:
    """Whether the broker's ``user`` may have sent ``body``, and in whose name it says it speaks.

    True for what nobody owns or cannot be read: the inbox parks the one and rejects the other.
    """
    try:
        told = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    owner = _owner(told.type.rsplit(".v", 1)[0])
    if owner == "department":
        return user == DEPARTMENTS_DOOR and told.source.startswith("department/")
    return owner is None or user == owner == told.source


@lru_cache(maxsize=1024)
def _owner(family: str) -> str | None:
    """Of every major version; a family has one owner."""
    return next((spec.owner for name, spec in EVENTS.items() if name.rsplit(".v", 1)[0] == family), None)
