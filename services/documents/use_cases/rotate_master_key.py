"""轮换主密钥: every holder's key is wrapped anew; what it seals stays as it is."""

from __future__ import annotations

import sqlalchemy as sa

from services.documents.adapters.holder_keys import HolderKeys
from services.documents.models import db, holders

AT_ONCE = 500


def rotate_master_key(keys: HolderKeys) -> int:
    """Make a new master key, wrap every holder's key under it and drop the old ones; how many were wrapped.

    In transactions of its own, a batch each; it may be stopped and begun again while services run.
    """
    newest = keys.masters.add()
    wrapped = 0
    while done := _rewrap_some(keys, newest):
        wrapped += done
    for number in range(1, newest):
        if not _in_use(number):
            keys.masters.drop(number)
    return wrapped


def _rewrap_some(keys: HolderKeys, to: int) -> int:
    h = holders.c
    old = sa.select(holders).where(h.key_master < to, h.key_wrapped.is_not(None)).order_by(h.party_id).limit(AT_ONCE)
    with db.transaction() as tx:
        rows = tx.execute(old.with_for_update()).fetchall()
        for row in rows:
            renewed = keys.masters.rewrap(row.key_master, row.party_id, row.key_wrapped, to)
            mine = h.party_id == row.party_id
            tx.execute(sa.update(holders).where(mine).values(key_master=to, key_wrapped=renewed))
    return len(rows)


def _in_use(number: int) -> bool:
    under = sa.select(holders.c.party_id).where(holders.c.key_master == number, holders.c.key_wrapped.is_not(None))
    with db.read() as connection:
        return connection.execute(under.limit(1)).first() is not None
