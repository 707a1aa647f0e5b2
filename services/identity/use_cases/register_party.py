"""当事人登记: a person or an organisation that may apply and hold licences."""

from __future__ import annotations

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.person import PartyRegistered
from services.identity.adapters.numbers import born_on
from services.identity.adapters.party_keys import NUMBER, new_key
from services.identity.adapters.vault import Vault
from services.identity.domain.delegation import of_age_on
from services.identity.domain.directory import Party
from services.identity.models import parties, party_keys
from services.identity.use_cases.seal_parties import note_minor
from services.identity.use_cases.tell_act import tell_act


def register_party(tx: Tx, vault: Vault, party: Party, *, by: str) -> str:
    """Register and tell; the new party's id. Raises Refusal ``party_exists`` when its number is registered."""
    party_id, new = find_or_add_party(tx, vault, party)
    if not new:
        raise Refusal("party_exists", "该证件号码已登记 / a party with this number is registered", party_id=party_id)
    tell_act(tx, "party.registered", by=by, on=party_id, after=party.kind)
    return party_id


def find_or_add_party(tx: Tx, vault: Vault, party: Party) -> tuple[str, bool]:
    """Id of the party with this number, and whether it was registered (and told) just now.

    The event carries the number: documents prints it on licences. At rest it is sealed under the party's own key.
    """
    party_id = str(uuid_utils.uuid7())
    key_row, key = new_key(vault, party_id)
    row = {
        "party_id": party_id,
        "kind": party.kind,
        "name": party.name,
        "code_type": party.code_type,
        "code_sealed": key.seal(NUMBER, party.number),
        "code_index": vault.keyed_hash(party.code_type, party.number),
        "registered_at": tx.now,
    }
    if not tx.insert_new(parties, [row], [parties.c.party_id]):
        known = sa.select(parties.c.party_id).where(parties.c.code_index == row["code_index"])
        return str(tx.execute(known).scalar_one()), False
    tx.insert(party_keys, [key_row])
    if party.kind == "person":
        note_minor(tx, party_id, of_age_on(born_on(party.number)))
    code = party.number.reveal()
    tx.tell(PartyRegistered(party_id=party_id, name=party.name, code_type=party.code_type, code=code))
    return party_id, True
