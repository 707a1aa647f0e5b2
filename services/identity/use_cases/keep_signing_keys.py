"""签名密钥: made ahead of time, signed with for a month, published until their tokens have run out; or revoked at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from joserfc.jwk import ECKey

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.key_ring import make_signing_key, seal_signing_key
from services.identity.adapters.vault import Vault
from services.identity.domain.key_schedule import KeyTimes, current, gone_after, next_begins
from services.identity.models import signing_keys
from services.identity.use_cases.tell_act import SYSTEM, tell_act

KEPT = timedelta(days=30)
"""How long administrators can still see a key that is gone."""


def keep_signing_keys(tx: Tx, vault: Vault, now: datetime) -> None:
    """Make the next key when it is time, and drop those that nothing has to be verified with any more."""
    if (begins := next_begins(_times(tx), now)) is not None:
        add_signing_key(tx, vault, make_signing_key(), signs_from=begins, now=now, by=SYSTEM)
    tx.execute(sa.delete(signing_keys).where(signing_keys.c.verifies_until < now - KEPT))


def add_signing_key(tx: Tx, vault: Vault, key: ECKey, *, signs_from: datetime, now: datetime, by: str) -> None:
    """``key`` signs from then on; those before it verify until the tokens they have signed by then have run out."""
    row: dict[str, Any] = {
        "key_id": key.kid,
        "private_sealed": seal_signing_key(vault, key),
        "made_at": now,
        "signs_from": signs_from,
    }
    if not tx.insert_new(signing_keys, [row], [signing_keys.c.key_id]):
        return
    earlier = sa.and_(signing_keys.c.key_id != key.kid, signing_keys.c.verifies_until.is_(None))
    replaced = tx.execute(sa.update(signing_keys).where(earlier).values(verifies_until=gone_after(signs_from))).rowcount
    if replaced:  # the first of an installation takes no other's place
        tell_act(tx, "signing_key.rotated", by=by, on=row["key_id"])


def rotate_signing_key(tx: Tx, vault: Vault, now: datetime, *, by: str) -> str:
    """Sign with a new key from now on; the old one still verifies. The new key's id."""
    tx.execute(sa.delete(signing_keys).where(signing_keys.c.signs_from > now))  # published, but it has signed nothing
    key = make_signing_key()
    add_signing_key(tx, vault, key, signs_from=now, now=now, by=by)
    assert key.kid is not None
    return key.kid


def revoke_signing_key(tx: Tx, vault: Vault, key_id: str, now: datetime, *, by: str) -> None:
    """紧急吊销: nothing that the key signed is believed any more; if it signed now, a new one does.

    Raises Refusal ``key_unknown`` when there is no such key, or it is revoked already.
    """
    signing = current(_times(tx), now)
    known = sa.and_(signing_keys.c.key_id == key_id, signing_keys.c.revoked_at.is_(None))
    if not tx.execute(sa.update(signing_keys).where(known).values(revoked_at=now)).rowcount:
        raise Refusal("key_unknown", "没有这把密钥或已吊销 / no such key, or it is revoked", key_id=key_id)
    tell_act(tx, "signing_key.revoked", by=by, on=key_id)
    if signing is not None and signing.key_id == key_id:
        rotate_signing_key(tx, vault, now, by=by)


def _times(tx: Tx) -> list[KeyTimes]:
    table = signing_keys
    columns = (table.c.key_id, table.c.signs_from, table.c.verifies_until, table.c.revoked_at)
    rows = tx.execute(sa.select(*columns))
    return [KeyTimes(row.key_id, row.signs_from, row.verifies_until, row.revoked_at) for row in rows]
