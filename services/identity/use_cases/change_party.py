"""What a granted request does to a party: a name is corrected, or everything is erased by destroying the party's key."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Tx
from contracts.person import PartyChanged
from services.identity.adapters.machine_clock import machine_now
from services.identity.domain.personal_data import FORGOTTEN
from services.identity.models import (
    accounts,
    contacts,
    delegations,
    minors,
    outside_identities,
    parties,
    party_keys,
    sessions,
)
from services.identity.use_cases.developer_apps import close_apps_of
from services.identity.use_cases.end_sessions import end_sessions_where
from services.identity.use_cases.read_messages import forget_messages
from services.identity.use_cases.tell_act import tell_act


def rename_party(tx: Tx, party_id: str, name: str) -> None:
    """Of a person, the names of the accounts change with it."""
    revision = _next_revision(tx, party_id)
    tx.execute(sa.update(parties).where(parties.c.party_id == party_id).values(name=name))
    tx.execute(sa.update(accounts).where(accounts.c.person_id == party_id).values(name=name))
    tx.tell(PartyChanged(party_id=party_id, revision=revision, name=name))


def erase_party(tx: Tx, party_id: str, *, closed_hash: str, by: str) -> None:
    """Destroy the key, and what was never sealed; accounts are closed and delegations end.

    What the law has the authorities keep stays where it is: cases, licences and the ledger, which knows nobody by name.
    """
    revision = _next_revision(tx, party_id)
    tx.execute(sa.delete(contacts).where(contacts.c.party_id == party_id))
    tx.execute(sa.delete(minors).where(minors.c.party_id == party_id))
    key = sa.update(party_keys).where(party_keys.c.party_id == party_id)
    tx.execute(key.values(wrapped=None, destroyed_at=tx.now))
    forget_messages(tx, party_id)
    close_apps_of(tx, party_id, by=by)
    # The number may be registered anew, so its keyed hash goes, too.
    forgotten = {"name": FORGOTTEN, "code_sealed": b"", "code_index": f"erased {party_id}"}
    tx.execute(sa.update(parties).where(parties.c.party_id == party_id).values(**forgotten))
    _close_accounts(tx, party_id, closed_hash, by)
    d = delegations.c
    theirs = sa.or_(d.grantor_id == party_id, d.grantee_id == party_id)
    ended = sa.update(delegations).where(theirs, d.revoked_at.is_(None)).values(revoked_at=tx.now, revoked_by=by)
    tx.execute(ended)
    nameless = sa.update(delegations).where(d.grantee_id == party_id)
    tx.execute(nameless.values(grantee_name=FORGOTTEN, grantee_index=f"erased {party_id}"))
    tx.tell(PartyChanged(party_id=party_id, revision=revision, name=None))


def _close_accounts(tx: Tx, party_id: str, closed_hash: str, by: str) -> None:
    a = accounts.c
    theirs = sa.or_(a.person_id == party_id, a.party_id == party_id)
    ids = list(tx.execute(sa.select(a.account_id).where(theirs)).scalars())
    end_sessions_where(tx, sessions.c.account_id.in_(ids), machine_now())
    tx.execute(sa.delete(outside_identities).where(outside_identities.c.account_id.in_(ids)))
    for account_id in ids:
        # 36 characters of the id: usernames are unique, and one's own may tell who one was.
        values = {"username": f"closed-{account_id}", "name": FORGOTTEN, "password_hash": closed_hash}
        tx.execute(sa.update(accounts).where(a.account_id == account_id).values(**values, state="closed"))
        tell_act(tx, "account.closed", by=by, on=account_id, after="closed", reason="asked")


def _next_revision(tx: Tx, party_id: str) -> int:
    locked = sa.select(parties.c.revision).where(parties.c.party_id == party_id).with_for_update()
    revision = int(tx.execute(locked).scalar_one()) + 1
    tx.execute(sa.update(parties).where(parties.c.party_id == party_id).values(revision=revision))
    return revision
