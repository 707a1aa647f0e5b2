"""轮换主密钥: every party's key is wrapped anew; what it seals stays as it is."""

from __future__ import annotations

import sqlalchemy as sa

from services.identity.adapters.vault import Vault
from services.identity.models import db, party_keys

AT_ONCE = 500


def rotate_master_key(vault: Vault) -> int:
    """Make a new master key, wrap every party's key under it and drop the old ones; how many were wrapped.

    In transactions of its own, a batch each. It may be stopped and begun again, and parties may be registered meanwhile:
    what is still under an older key is wrapped by the next run, and no key is dropped that is in use.
    """
    newest = vault.masters.add()
    wrapped = 0
    while done := _rewrap_some(vault, newest):
        wrapped += done
    for number in range(1, newest):
        if not _in_use(number):
            vault.masters.drop(number)
    return wrapped


def _rewrap_some(vault: Vault, to: int) -> int:
    keys = party_keys.c
    old = (
        sa.select(party_keys).where(keys.master < to, keys.wrapped.is_not(None)).order_by(keys.party_id).limit(AT_ONCE)
    )
    with db.transaction() as tx:
        rows = tx.execute(old.with_for_update()).fetchall()
        renewed = [
            {
                "party_id": row.party_id,
                "master": to,
                "wrapped": vault.masters.rewrap(row.master, row.party_id, row.wrapped, to),
            }
            for row in rows
        ]
        tx.update(party_keys, ["party_id"], renewed)
    return len(renewed)


def _in_use(number: int) -> bool:
    mine = sa.select(party_keys.c.party_id).where(party_keys.c.master == number, party_keys.c.wrapped.is_not(None))
    with db.read() as connection:
        return connection.execute(mine.limit(1)).first() is not None
