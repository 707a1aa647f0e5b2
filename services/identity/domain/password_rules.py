"""口令规则: what a password that somebody chooses has to be. Defaults are the strict ones of 等保 level 3.

Source: GB/T 22239-2019 §8.1.4.1 a); OWASP ASVS 5.0 §6.2. Passwords are looked at as they are kept, in normal form NFKC.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.identity.domain.common_passwords import is_common

Problem = Literal["too_short", "too_long", "too_few_kinds", "contains_username", "common", "used_before"]

LONGEST = 128
_SHORTEST_NAME = 3


@dataclass(frozen=True)
class PasswordRules:
    """Least length in characters, least number of the four kinds of characters, days until it has to be changed (0: never),
    and how many of the last passwords, the one in force included, may not be chosen again.
    """

    length: int = 12
    classes: int = 3
    days: int = 90
    history: int = 5

    def problems(self, password: str, username: str) -> tuple[Problem, ...]:
        """Everything that is wrong with ``password`` for ``username``; whether it was used before is not seen here."""
        text = unicodedata.normalize("NFKC", password)
        found: list[tuple[Problem, bool]] = [
            ("too_short", len(text) < self.length),
            ("too_long", len(text) > LONGEST),
            ("too_few_kinds", kinds(text) < self.classes),
            ("contains_username", contains_name(text, username)),
            ("common", is_common(text)),
        ]
        return tuple(problem for problem, wrong in found if wrong)

    def expires_at(self, set_at: datetime) -> datetime | None:
        """When a password set at that time has to be changed; None for never."""
        return set_at + timedelta(days=self.days) if self.days else None

    def expired(self, set_at: datetime, now: datetime) -> bool:
        """Whether it has to be changed by now."""
        until = self.expires_at(set_at)
        return until is not None and now >= until


def kinds(text: str) -> int:
    """How many of the four kinds are there: small letters, capital letters, digits, anything else (汉字 included)."""
    return len({_kind(character) for character in text})


def contains_name(text: str, username: str) -> bool:
    """Whether the username, or the part of it before an @, stands in ``text`` forwards or backwards, in any case."""
    folded = text.casefold()
    names = {username.casefold(), username.casefold().partition("@")[0]}
    return any(name in folded or name[::-1] in folded for name in names if len(name) >= _SHORTEST_NAME)


def _kind(character: str) -> str:
    if "a" <= character <= "z":
        return "small"
    if "A" <= character <= "Z":
        return "capital"
    return "digit" if "0" <= character <= "9" else "other"
