"""Who is registered. The copy holds ids and nothing else: what identity knows of people stays there."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from chassis.bus import Delivery
from chassis.db import Tx
from chassis.errors import Refusal
from services.workflow.models import db, parties


def keep_parties(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Note those registered; a repeat changes nothing."""
    rows = [{"party_id": party_id} for party_id in sorted({d.event.party_id for d in deliveries})]
    tx.insert_new(parties, rows, [parties.c.party_id])


def require_party(party_id: str) -> None:
    """Refuse to take in for somebody who is not registered. Raises Refusal ``applicant_unknown``."""
    with db.read() as connection:
        known = connection.execute(sa.select(parties).where(parties.c.party_id == party_id)).first()
    if known is None:
        raise Refusal(
            "applicant_unknown",
            "申请人未登记，请先在窗口核验身份 / the applicant is not registered; verify the identity at the desk first",
        )
