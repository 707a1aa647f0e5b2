"""Facts of electronic supervision (电子监察). Owner: audit."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from contracts.envelope import Event

CardLevel = Literal["yellow", "red"]


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
