"""Topics (主题分类) as the way to an item. Persons and organisations have a list of their own, and codes mean other things."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.words import label

AUDIENCES = ("person", "organisation")
KEY = re.compile(r"(person|organisation)-([0-9]{3})")


@dataclass(frozen=True)
class Topic:
    """``key`` is how pages name it: ``person-020``. ``count``: items that have it."""

    key: str
    name: str
    count: int


def topic_key(audience: str, code: str) -> str:
    """How pages name a topic."""
    return f"{audience}-{code}"


def asked_topic(key: str) -> dict[str, str]:
    """The filter of the API for a topic; none for what is no topic."""
    found = KEY.fullmatch(key)
    return {f"{found[1]}_topic": found[2]} if found else {}


def topics_of(items: Iterable[Mapping[str, Any]]) -> dict[str, list[Topic]]:
    """Topics of the items for each audience, by code."""
    counted = {audience: Counter[str]() for audience in AUDIENCES}
    for item in items:
        for audience, counts in counted.items():
            counts.update(item[f"{audience}_topics"])
    return {
        audience: [
            Topic(topic_key(audience, code), label(f"{audience}_topics", code), count)
            for code, count in sorted(counts.items())
        ]
        for audience, counts in counted.items()
    }
