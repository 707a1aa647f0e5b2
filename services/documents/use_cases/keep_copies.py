"""Keep what documents must know of other services' facts. Each write is insert-if-new: order and repeats do not matter."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.bus import Delivery
from chassis.db import Tx
from contracts.envelope import encode
from contracts.item import ItemPublished
from contracts.person import PartyRegistered
from services.documents.models import holders, items


def keep_item(tx: Tx, event: ItemPublished) -> None:
    """One version of one item: which materials it takes, and how its form is called."""
    row = {
        "item_code": event.item_code,
        "version": event.item.version,
        "effective_from": event.effective_from,
        "definition": encode(event.item),
    }
    tx.insert_new(items, [row], [items.c.version])


def keep_holders(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Who may come to hold a licence."""
    events: list[PartyRegistered] = [d.event for d in deliveries]
    rows = [{"party_id": e.party_id, "name": e.name, "code_type": e.code_type, "code": e.code} for e in events]
    tx.insert_new(holders, rows, [holders.c.party_id])
