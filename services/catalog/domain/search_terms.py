"""What an item is found by, and what is looked for. Chinese is cut into overlapping pairs of characters (二元切分), which
needs no dictionary and finds every word of two characters and more.

A term is one letter for its kind and the text: ``n`` the whole name, ``w`` characters, pairs and words of the name, ``p`` pinyin
and ``i`` pinyin initials of the name from each character on, ``q`` and ``j`` those of the whole name, ``c`` codes, ``t`` pairs
and words of the name and of the guide, and facets: ``y`` item type, ``a`` topic of persons, ``o`` topic of organisations, ``e``
life event, ``l`` leading department, ``d`` any department of the plan.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 60
FORM = 1
"""Raised whenever the terms of the same guide change, so that what is stored is made anew."""

Pinyin = Callable[[str], Sequence[str]]
"""Chinese characters -> one syllable for each, without tones."""

_RUNS = re.compile(r"[㐀-鿿豈-﫿]+|[a-z0-9]+")
_CHINESE = re.compile(r"[㐀-鿿豈-﫿]+")
_MOST_RUNS = 5
_MOST_WORDS = 15  # that all have to be there; a planner has to put them in an order
_FACETS = {"y": "item_type", "l": "lead_department"}
_LISTS = {"a": "person_topics", "o": "organisation_topics", "e": "life_events"}


@dataclass(frozen=True)
class Run:
    """One piece of a query: Chinese characters, or letters and digits, which have no ``words`` and no ``sounds``.

    ``words``: its pairs, or the one character that it is. ``sounds``: its pinyin in one.
    """

    text: str
    words: tuple[str, ...] = ()
    sounds: str = ""


def plain(text: str) -> str:
    """Full-width as half-width, capitals as small, everything that is no character, letter or digit left out."""
    return "".join(_runs(text))[:LONGEST]


def runs_of(query: str, pinyin: Pinyin) -> tuple[Run, ...]:
    """The pieces of a query, all of which an item must have; the first few, with their first few words, when there are many."""
    texts = list(dict.fromkeys(_runs(query)))[:_MOST_RUNS]
    most = _MOST_WORDS // max(1, len(texts))
    found = []
    for text in texts:
        if _CHINESE.fullmatch(text):
            words = tuple(dict.fromkeys(_words(text)))[:most]
            found.append(Run(text, words, "".join(pinyin(text))[:LONGEST]))
        else:
            found.append(Run(text[:LONGEST]))
    return tuple(found)


_CODES = ("item_code", "basic_code", "former_basic_code", "local_code")


def terms_of(document: Mapping[str, Any], labels: Iterable[str], pinyin: Pinyin) -> frozenset[str]:
    """Every term of a guide. ``labels``: the names of its topics, life events and departments."""
    name = str(document["name"])
    in_name = {*_words(name), *_words(str(document["name_en"])), *_characters(name)}
    anywhere = {*in_name, *(word for text in _texts(document, labels) for word in _words(text))}
    codes = [str(document[name]) for name in _CODES if document.get(name)]
    return frozenset(
        {
            "n" + plain(name),
            *("w" + word for word in in_name),
            *("t" + word for word in anywhere),
            *("c" + plain(code) for code in codes),
            *_sounds(name, pinyin),
            *_facets(document),
        }
    )


def _runs(text: str) -> list[str]:
    return _RUNS.findall(unicodedata.normalize("NFKC", text).lower())


def _pairs(text: str) -> Iterator[str]:
    yield from (text[n : n + 2] for n in range(len(text) - 1))


def _words(text: str) -> Iterator[str]:
    """Pairs of characters, words of letters; a character that stands alone is a word."""
    for run in _runs(text):
        if len(run) > 1 and _CHINESE.fullmatch(run):
            yield from _pairs(run)
        else:
            yield run[:LONGEST]


def _characters(text: str) -> Iterator[str]:
    yield from (character for run in _runs(text) if _CHINESE.fullmatch(run) for character in run)


def _sounds(name: str, pinyin: Pinyin) -> Iterator[str]:
    syllables = [syllable for run in _runs(name) for syllable in (pinyin(run) if _CHINESE.fullmatch(run) else [run])]
    yield "q" + "".join(syllables)[:LONGEST]
    yield "j" + "".join(syllable[0] for syllable in syllables)[:LONGEST]
    for n in range(len(syllables)):
        yield "p" + "".join(syllables[n:])[:LONGEST]
        yield "i" + "".join(syllable[0] for syllable in syllables[n:])[:LONGEST]


def _texts(document: Mapping[str, Any], labels: Iterable[str]) -> Iterator[str]:
    yield from labels
    for part in ("materials", "handling_items"):
        for one in document[part]:
            yield from (one["name"], one["name_en"])
    yield from (basis["title"] for basis in document["bases"])
    licence = document["result"]["licence"]
    yield from (licence["name"], licence["name_en"])
    yield from (faq["question"] for faq in document["faqs"])


def _facets(document: Mapping[str, Any]) -> Iterator[str]:
    yield from (kind + str(document[name]) for kind, name in _FACETS.items())
    for kind, name in _LISTS.items():
        yield from (kind + str(code) for code in document.get(name, ()))
    yield from ("d" + step["department"] for step in document["plan"])
