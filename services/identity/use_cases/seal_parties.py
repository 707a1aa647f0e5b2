"""Give a key to every party that was registered before parties had keys of their own."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from chassis.db import Tx
from services.identity.adapters.numbers import born_on
from services.identity.adapters.party_keys import NUMBER, new_key
from services.identity.adapters.vault import Vault
from services.identity.domain.delegation import law_date, of_age_on
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, minors, parties, party_keys

AT_ONCE = 500


def seal_parties(vault: Vault) -> None:
    """Seal anew under a key for each, a batch at a time. Safe in several processes at once. Raises DataKeyWrong."""
    keyless = sa.select(parties).outerjoin(party_keys, party_keys.c.party_id == parties.c.party_id)
    some = keyless.where(party_keys.c.party_id.is_(None)).order_by(parties.c.party_id).limit(AT_ONCE)
    while True:
        with db.read() as connection:
            rows = connection.execute(some).fetchall()
        if not rows:
            return
        with db.transaction() as tx:
            for row in rows:
                _seal(tx, vault, row.party_id, row.kind, vault.open(row.party_id, row.code_sealed))


def _seal(tx: Tx, vault: Vault, party_id: str, kind: str, number: Sensitive) -> None:
    key_row, key = new_key(vault, party_id)
    if tx.insert_new(party_keys, [key_row], [party_keys.c.party_id]):
        sealed = key.seal(NUMBER, number)
        tx.execute(sa.update(parties).where(parties.c.party_id == party_id).values(code_sealed=sealed))
        if kind == "person":
            note_minor(tx, party_id, of_age_on(born_on(number)))


def note_minor(tx: Tx, party_id: str, until: date) -> None:
    """Remember a minor's 14th birthday; of others nothing."""
    if until > law_date(tx.now):
        tx.insert_new(minors, [{"party_id": party_id, "until": until}], [minors.c.party_id])
