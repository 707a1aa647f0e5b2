"""撤销: a licence whose decision was revoked is no longer valid; whoever verifies it is told so."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Tx
from contracts.case import CaseRevoked
from services.documents.domain.validity import shanghai_date
from services.documents.models import licences
from services.documents.queries import NotHereYet


def revoke_licence(tx: Tx, event: CaseRevoked) -> None:
    """Mark the case's licence; a repeat changes nothing. Raises NotHereYet while the licence is still being made."""
    of_case = sa.select(licences.c.licence_no, licences.c.revoked_on).where(licences.c.case_no == event.case_no)
    found = tx.execute(of_case.with_for_update()).fetchall()
    if not found:
        raise NotHereYet(f"licence of case {event.case_no}")
    revoke = sa.update(licences).where(licences.c.case_no == event.case_no, licences.c.revoked_on.is_(None))
    tx.execute(revoke.values(revoked_on=shanghai_date(tx.now)))
