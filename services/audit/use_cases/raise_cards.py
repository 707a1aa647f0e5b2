"""Raise supervision cards (亮牌): write those that are new, tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.db import Tx
from contracts.envelope import Envelope
from contracts.supervision import CardRaised
from services.audit.adapters.metrics import CARDS_RAISED
from services.audit.domain.supervision import china_date
from services.audit.models import cards


def raise_cards(tx: Tx, wanted: Sequence[tuple[dict[str, Any], Envelope | None]]) -> None:
    """Each (task, level, rule) once. ``wanted``: rows of ``cards`` without their dates of raising, each with its cause."""
    today = china_date(tx.now)
    rows = {card["card_no"]: card | {"raised_on": today} for card, _ in wanted}
    new = tx.insert_new(cards, [row | {"raised_at": tx.now} for row in rows.values()], [cards.c.card_no])
    causes = {card["card_no"]: cause for card, cause in wanted}
    for (card_no,) in new:
        card = rows[card_no]
        tx.tell(CardRaised(**card), because=causes[card_no])
        tx.on_commit.append(CARDS_RAISED.labels(card["rule"], card["level"]).inc)
