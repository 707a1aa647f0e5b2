"""Keep what documents must know of other services' facts. Order and repeats do not matter."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from chassis.bus import Delivery
from chassis.db import Tx
from contracts.envelope import encode
from contracts.item import ItemPublished
from contracts.person import PartyChanged, PartyRegistered
from services.documents.adapters.tools import tools
from services.documents.models import holders, items
from services.documents.queries import NotHereYet


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
    """Who may come to hold a licence; the number is sealed."""
    keys = tools().holder_keys
    events: list[PartyRegistered] = [d.event for d in deliveries]
    rows = [
        {"party_id": e.party_id, "name": e.name, "code_type": e.code_type} | keys.seal(e.party_id, e.code)
        for e in events
    ]
    tx.insert_new(holders, rows, [holders.c.party_id])


def change_holder(tx: Tx, event: PartyChanged) -> None:
    """A corrected name, or an erasure: then neither name nor number is kept. The highest revision holds.

    Raises NotHereYet while the party is unknown here. Licences that were issued stay as they were signed.
    """
    if tx.execute(sa.select(holders.c.party_id).where(holders.c.party_id == event.party_id)).first() is None:
        raise NotHereYet(f"party {event.party_id}")
    values: dict[str, object] = {"revision": event.revision, "name": event.name}
    if event.name is None:
        values |= {"name": "", "code": None, "key_master": None, "key_wrapped": None, "code_sealed": None}
    older = sa.and_(holders.c.party_id == event.party_id, holders.c.revision < event.revision)
    tx.execute(sa.update(holders).where(older).values(**values))
