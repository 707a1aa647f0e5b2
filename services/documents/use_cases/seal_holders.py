"""Seal the numbers that were kept before numbers were sealed, or by an older release that runs beside this one."""

from __future__ import annotations

import sqlalchemy as sa

from services.documents.adapters.holder_keys import HolderKeys
from services.documents.models import db, holders

AT_ONCE = 500


def seal_holders(keys: HolderKeys) -> int:
    """How many were sealed, a batch at a time. Safe in several processes at once."""
    h, sealed = holders.c, 0
    some = sa.select(h.party_id, h.code).where(h.code.is_not(None)).order_by(h.party_id).limit(AT_ONCE)
    while True:
        with db.transaction() as tx:
            rows = tx.execute(some.with_for_update()).fetchall()
            for row in rows:
                values = {"code": None} | (keys.seal(row.party_id, row.code) if row.code else {})
                tx.execute(sa.update(holders).where(h.party_id == row.party_id).values(**values))
        if not rows:
            return sealed
        sealed += len(rows)
