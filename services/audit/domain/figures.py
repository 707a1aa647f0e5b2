"""What is counted of each event (公开数据). Counts are only ever raised: what is taken back is counted beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import get_args

from contracts.case import (
    CaseAccepted,
    CaseApproved,
    CaseClosed,
    CaseDeemedWithdrawn,
    CaseDenied,
    CaseNotAccepted,
    CaseRevoked,
    CaseSubmitted,
    CaseTerminated,
    CaseWithdrawn,
)
from contracts.envelope import Event, subject_of
from contracts.licence import LicenceIssued
from contracts.supervision import CardLevel, CardRaised, CardRevoked, RatingGiven
from contracts.task import OpinionRecorded
from services.audit.domain.ratings import LEVELS
from services.audit.domain.supervision import card_level

ITEM_CODE_LENGTH = 31  # 实施编码; the number of a case begins with it
CARD_LEVELS: tuple[CardLevel, ...] = get_args(CardLevel)
DAYS_SHOWN = 30

OF_CASES: dict[type[Event], str] = {
    CaseSubmitted: "submitted",
    CaseAccepted: "accepted",
    CaseNotAccepted: "not_accepted",
    CaseApproved: "approved",
    CaseDenied: "denied",
    CaseWithdrawn: "withdrawn",
    CaseDeemedWithdrawn: "deemed_withdrawn",
    CaseTerminated: "terminated",
    CaseRevoked: "revoked",
    CaseClosed: "closed",
    LicenceIssued: "licences_issued",
}
COUNTED: tuple[type[Event], ...] = (*OF_CASES, OpinionRecorded, CardRaised, CardRevoked, RatingGiven)


def item_of(case_no: str) -> str:
    """Code of the item that a case is about."""
    return case_no[:ITEM_CODE_LENGTH]


def counted(event: Event) -> list[tuple[str, str]]:
    """(figure, whose) that one event adds one to: an item's code, or a department's for its answers and cards."""
    match event:
        case OpinionRecorded():
            figures = ("answered", "late") if event.late else ("answered",)
            return [(figure, event.department) for figure in figures]
        case CardRaised():
            return [(event.level, event.department)]
        case CardRevoked():
            return [(revoked(card_level(event.card_no)), event.department)]
        case RatingGiven():
            return [(rated(event.level), item_of(event.case_no))]
        case _:
            return [(OF_CASES[type(event)], item_of(subject_of(event) or ""))]


def tally(told: Iterable[tuple[Event, date]]) -> Counter[tuple[str, date, str]]:
    """(figure, day, whose) -> how many of the events, each with its day, add to it."""
    return Counter((figure, day, whose) for event, day in told for figure, whose in counted(event))


def rated(level: int) -> str:
    """Figure of the ratings of one level."""
    return f"rated_{level}"


def revoked(level: CardLevel) -> str:
    """Figure of the cards of one level that were taken back."""
    return f"{level}_revoked"


def standing(totals: Mapping[str, int], level: CardLevel) -> int:
    """Cards that count. The news that one is revoked may be ahead of the news that it was raised."""
    return max(0, totals.get(level, 0) - totals.get(revoked(level), 0))


def average_rating(totals: Mapping[str, int]) -> float | None:
    """Mean level with two decimals; None when nobody has rated."""
    number = sum(totals.get(rated(level), 0) for level in LEVELS)
    points = sum(level * totals.get(rated(level), 0) for level in LEVELS)
    return round(points / number, 2) if number else None


def days_until(today: date) -> list[date]:
    """The days that are shown, the oldest first."""
    return [today - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]
