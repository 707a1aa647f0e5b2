"""消息: what people are told, over which channels, when, and how often it is tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from services.identity.domain.masking import masked_mobile, masked_number

Kind = Literal[
    "submitted", "accepted", "not_accepted", "correction_requested", "approved", "denied", "closed", "card_raised",
    "account_changed", "new_sign_in", "special_procedure", "special_procedure_ended", "extended", "deemed_withdrawn",
    "revoked", "terminated", "delivery_moved", "appointment_due", "appointment_cancelled",
]  # fmt: skip
Channel = Literal["email", "sms"]
Language = Literal["zh", "en"]

KINDS: tuple[Kind, ...] = get_args(Kind)
CHANNELS: tuple[Channel, ...] = get_args(Channel)
"""Besides the inbox, which has everything at once."""
LANGUAGES: tuple[Language, ...] = get_args(Language)
TO_OFFICERS: frozenset[Kind] = frozenset({"card_raised"})
SECURITY: frozenset[Kind] = frozenset({"account_changed", "new_sign_in"})
"""To the owner of an account, whatever he prefers: see ``tell_owner.py``."""
TO_PEOPLE: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind not in TO_OFFICERS | SECURITY)
"""What people can choose channels for."""
STATUTORY: frozenset[Kind] = frozenset(
    {
        "accepted", "not_accepted", "correction_requested", "approved", "denied", "special_procedure",
        "special_procedure_ended", "extended", "deemed_withdrawn", "revoked", "terminated",
    }
)  # fmt: skip
"""Owed by law (行政许可法 §32, §38, §42, §44, §45): never switched off entirely, and no quiet hour holds them up."""

BILINGUAL = frozenset({"remedy", "what"})

SHANGHAI = ZoneInfo("Asia/Shanghai")
MOST_ATTEMPTS = 8
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=1)
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")


@dataclass(frozen=True)
class Preferences:
    """Of one party. ``off`` holds ``kind.channel``; quiet hours are times of day in Asia/Shanghai, or both None."""

    language: Language = "zh"
    off: frozenset[str] = field(default_factory=frozenset)
    quiet_from: time | None = None
    quiet_until: time | None = None

    def wants(self, kind: Kind, channel: Channel) -> bool:
        """Whether this kind of message goes over this channel."""
        return switch(kind, channel) not in self.off

    def due(self, kind: Kind, now: datetime) -> datetime:
        """When a message of this kind goes out: now, or at the end of the quiet hours."""
        if kind in STATUTORY or self.quiet_from is None or self.quiet_until is None:
            return now
        local = now.astimezone(SHANGHAI)
        quiet = _within(local.time(), self.quiet_from, self.quiet_until)
        return _next(local, self.quiet_until) if quiet else now


def switch(kind: Kind, channel: Channel) -> str:
    """Name of one switch."""
    return f"{kind}.{channel}"


SWITCHES: frozenset[str] = frozenset(switch(kind, channel) for kind in TO_PEOPLE for channel in CHANNELS)


def silenced(preferences: Preferences) -> list[Kind]:
    """Statutory kinds that would come over no channel but the inbox."""
    return [kind for kind in KINDS if kind in STATUTORY and not any(preferences.wants(kind, c) for c in CHANNELS)]


def next_attempt(attempts: int, now: datetime) -> datetime | None:
    """When to try again after ``attempts`` failures; None when it is enough."""
    if attempts >= MOST_ATTEMPTS:
        return None
    wait: timedelta = _FIRST_WAIT * 2 ** (attempts - 1)
    return now + min(_LONGEST_WAIT, wait)


def without_numbers(text: str) -> str:
    """Free text with identity and mobile numbers masked: officers write reasons, and mails and texts are no safe places."""
    return _masked(_MOBILE, masked_mobile, _masked(_NUMBER, masked_number, text))


def in_language(facts: Mapping[str, str], language: Language) -> dict[str, str]:
    """Facts for a reader of one language: of the platform's own sentences, ``中文 / English``, the half that is meant."""
    return {name: _half(text, language) if name in BILINGUAL else text for name, text in facts.items()}


def _half(text: str, language: Language) -> str:
    chinese, _, english = text.partition(" / ")
    return english if language == "en" and english else chinese


def _masked(pattern: re.Pattern[str], mask: Callable[[str], str], text: str) -> str:
    return pattern.sub(lambda match: mask(match.group()), text)


def _within(moment: time, start: time, end: time) -> bool:
    return start <= moment < end if start <= end else moment >= start or moment < end


def _next(local: datetime, end: time) -> datetime:
    today = local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0)
    return today if today > local else today + timedelta(days=1)
