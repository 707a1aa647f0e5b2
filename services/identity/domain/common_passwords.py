"""常见口令: passwords that are tried first, recognised by how they are made instead of from a list of millions.

People make them from a common word or a walk over the keyboard, dressed up with digits, a year and symbols, with letters
written as digits (p@ssw0rd). Undressed, nearly nothing is left; that is what is measured here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

# fmt: off
WORDS = frozenset({
    "password", "passwort", "passwd", "pass", "admin", "administrator", "root", "user", "guest", "test", "demo",
    "login", "signin", "welcome", "hello", "letmein", "secret", "master", "manager", "system", "server", "default",
    "changeme", "access", "account", "public", "private", "office", "service", "government", "tongban", "zhengwu",
    "mima", "woaini", "woaizhongguo", "zhongguo", "china", "beijing", "shanghai", "gongan", "jiaoyu", "nihao", "wode",
    "iloveyou", "love", "princess", "dragon", "monkey", "sunshine", "shadow", "football", "baseball", "superman",
    "batman", "spring", "summer", "autumn", "winter", "monday", "friday", "january", "december", "qwerty", "qwertz",
    "azerty", "asdf", "zxcv", "qaz", "wsx", "edc", "abc", "xyz", "my", "the", "is", "of", "new", "old", "a", "i",
})
# fmt: on
WALKS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "01234567890",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "!@#$%^&*()",
    "一二三四五六七八九十",
)  # fmt: skip
LEAST_LEFT = 4
"""So many different characters have to be left when words, walks and repetitions are taken out."""
_SHORTEST_WALK = 3
_DIGITS_FOR_LETTERS = str.maketrans(
    {"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"}
)
_DRESSING = re.compile(r"^[\W_]*\d{0,8}[\W_]*|[\W_]*\d{0,8}[\W_]*$")
"""A date is eight digits; more of them are worth counting."""


def is_common(password: str) -> bool:
    """Whether hardly anything is left of ``password`` when it is undressed."""
    text = password.casefold()
    undressed = _DRESSING.sub("", text)
    return any(_left(form) < LEAST_LEFT for form in (text, undressed, undressed.translate(_DIGITS_FOR_LETTERS)))


def _left(text: str) -> int:
    """Different characters that belong to no common word, walk or repetition."""
    rest = text
    for piece in sorted(WORDS, key=len, reverse=True):
        if len(piece) >= _SHORTEST_WALK:
            rest = rest.replace(piece, " ")
    rest = _without_walks(rest)
    return len(set("".join(piece for piece in rest.split() if piece not in WORDS)))


def _without_walks(text: str) -> str:
    """``text`` without runs of at least three characters that follow one another on the keyboard or in the alphabet, in
    either direction, or are all the same.
    """
    kept, run = [], text[:1]
    for before, after in pairwise(text):
        if _follows(before, after) and (len(run) < 2 or _follows_on(run, after)):
            run += after
            continue
        kept.append(run if len(run) < _SHORTEST_WALK else " ")
        run = after
    kept.append(run if len(run) < _SHORTEST_WALK else " ")
    return "".join(kept)


def _follows_on(run: str, after: str) -> bool:
    return any(run[-2:] + after in line for line in _lines()) or run[-2] == run[-1] == after


def _follows(before: str, after: str) -> bool:
    return before == after or any(before + after in line for line in _lines())


@lru_cache(maxsize=1)
def _lines() -> tuple[str, ...]:
    return tuple(line for walk in WALKS for line in (walk, walk[::-1]))
