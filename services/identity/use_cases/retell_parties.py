"""Tell of every registered party once more: of what was told before a service began to listen, it has no copy."""

from __future__ import annotations

import sqlalchemy as sa

from contracts.person import PartyRegistered
from services.identity.adapters.party_keys import number_of
from services.identity.adapters.vault import Vault
from services.identity.models import db, parties, party_keys

AT_ONCE = 200


def retell_parties(vault: Vault) -> int:
    """Tell of all that are not erased, in transactions of their own, a batch each; how many. It may be begun again."""
    told, last = 0, ""
    of_keys = sa.select(parties).join(party_keys, party_keys.c.party_id == parties.c.party_id)
    while True:
        with db.transaction() as tx:
            known = party_keys.c.wrapped.is_not(None)
            rows = tx.execute(
                of_keys.where(parties.c.party_id > last, known).order_by(parties.c.party_id).limit(AT_ONCE)
            ).fetchall()
            for row in rows:
                number = number_of(tx, vault, row.party_id).reveal()
                tx.tell(PartyRegistered(party_id=row.party_id, name=row.name, code_type=row.code_type, code=number))
        told += len(rows)
        if len(rows) < AT_ONCE:
            return told
        last = rows[-1].party_id
