"""同意: what people let third parties have, remembered for the next time and taken back whenever they like."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.models import consents, grants


def give_consent(tx: Tx, account_id: str, client_id: str, scope: Iterable[str], now: datetime) -> None:
    """Remember that the account lets the client have each of ``scope``."""
    rows = [
        {"account_id": account_id, "client_id": client_id, "scope": one, "given_at": now} for one in sorted(set(scope))
    ]
    tx.insert_new(consents, rows, [consents.c.scope])


def take_consent_back(tx: Tx, account_id: str, client_id: str, now: datetime) -> None:
    """Forget it and end what the client was granted. Raises Refusal ``consent_unknown``."""
    mine = sa.and_(consents.c.account_id == account_id, consents.c.client_id == client_id)
    if not tx.execute(sa.delete(consents).where(mine)).rowcount:
        raise Refusal("consent_unknown", "没有对该应用的授权 / this application has no consent", client_id=client_id)
    running = sa.and_(grants.c.account_id == account_id, grants.c.client_id == client_id, grants.c.ended_at.is_(None))
    tx.execute(sa.update(grants).where(running).values(ended_at=now))
