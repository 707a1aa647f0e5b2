"""The key of each party: made when the party is registered, found when something is opened, destroyed when it is erased."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chassis.db import Tx
from chassis.envelope_keys import OwnerKey
from chassis.errors import Refusal
from services.identity.adapters.vault import Vault
from services.identity.domain.sensitive import Sensitive
from services.identity.models import parties, party_keys

NUMBER = "number"


class PartyKey:
    """One party's data key: seals what we hold of the party."""

    def __init__(self, key: OwnerKey) -> None:
        self._key = key

    def seal(self, what: str, text: Sensitive) -> bytes:
        """Bound to the party and to what it is."""
        return self._key.seal(what, text.reveal())

    def open(self, what: str, sealed: bytes) -> Sensitive:
        """What was sealed. Raises DataKeyWrong."""
        return Sensitive(self._key.open(what, sealed))


def new_key(vault: Vault, party_id: str) -> tuple[dict[str, object], PartyKey]:
    """The row to insert, and the key."""
    master, wrapped, key = vault.masters.wrap_new(party_id)
    return {"party_id": party_id, "master": master, "wrapped": wrapped, "destroyed_at": None}, PartyKey(key)


def key_of(reader: Connection | Tx, vault: Vault, party_id: str) -> PartyKey:
    """The party's key. Raises Refusal ``party_unknown``, or ``party_erased`` when it was destroyed."""
    row = reader.execute(sa.select(party_keys).where(party_keys.c.party_id == party_id)).one_or_none()
    if row is None:
        raise Refusal("party_unknown", "没有这个当事人 / there is no such party", party_id=party_id)
    if row.wrapped is None:
        raise Refusal("party_erased", "该当事人的信息已依申请删除 / this party's data were erased", party_id=party_id)
    return PartyKey(vault.masters.unwrap(row.master, party_id, row.wrapped))


def number_of(reader: Connection | Tx, vault: Vault, party_id: str) -> Sensitive:
    """The 公民身份号码 or credit code of a party. Raises like ``key_of``."""
    sealed = reader.execute(sa.select(parties.c.code_sealed).where(parties.c.party_id == party_id)).scalar_one_or_none()
    if sealed is None:
        raise Refusal("party_unknown", "没有这个当事人 / there is no such party", party_id=party_id)
    return key_of(reader, vault, party_id).open(NUMBER, sealed)
