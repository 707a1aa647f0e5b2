"""Facts of electronic supervision (电子监察) and of people's ratings (好差评). Owner: audit."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from contracts.envelope import Event

CardLevel = Literal["yellow", "red"]
RatingLevel = Literal[1, 2, 3, 4, 5]
RatedAspect = Literal["speed", "attitude", "guidance", "materials", "website"]


class CardRaised(Event, frozen=True, kw_only=True):
    """黄牌 or 红牌 against a department. ``rule`` is the rule's number, such as T9 (联办部门逾期)."""

    TYPE: ClassVar[str] = "card.raised.v1"
    card_no: str
    case_no: str
    department: str
    level: CardLevel
    rule: str
    raised_on: date
    detail: str
    task_id: str | None = None
    due_on: date | None = None


class CardRevoked(Event, frozen=True, kw_only=True):
    """撤销: the card was raised before news came that the task had been answered in time; it does not count."""

    TYPE: ClassVar[str] = "card.revoked.v1"
    card_no: str
    case_no: str
    department: str
    reason: str
    task_id: str | None = None


class RatingGiven(Event, frozen=True, kw_only=True):
    """好差评: the applicant has rated a case that ended, from 5 非常满意 to 1 非常不满意. What was written is not told."""

    TYPE: ClassVar[str] = "rating.given.v1"
    case_no: str
    item_code: str
    level: RatingLevel
    aspects: tuple[RatedAspect, ...]
    given_on: date
