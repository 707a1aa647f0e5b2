"""送达: a licence was issued; the case closes when nothing else is to be delivered."""

from __future__ import annotations

from chassis.db import Tx
from contracts.licence import LicenceIssued
from services.workflow.adapters import case_store
from services.workflow.domain import lifecycle


def record_licence(tx: Tx, issued: LicenceIssued) -> None:
    """Note the licence's number on its case. A licence of an unknown case is an error: it is retried, then parked."""
    file = case_store.load(tx, [issued.case_no])[issued.case_no]
    lifecycle.record_licence(file, issued.licence_no, until=issued.valid_until, now=tx.now)
    case_store.tell(tx, file)
    case_store.save(tx, [file])
