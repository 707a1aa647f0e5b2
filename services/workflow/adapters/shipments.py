"""Rows of shipments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from services.workflow.domain.delivery import Shipment
from services.workflow.models import shipments

_OF_CASE = sa.select(shipments).where(shipments.c.case_no == sa.bindparam("of")).order_by(shipments.c.round.desc())


def last_shipment(tx: Tx, case_no: str) -> Shipment | None:
    """The latest of the case, whose lock the caller holds."""
    row = tx.execute(_OF_CASE.limit(1), {"of": case_no}).one_or_none()
    return None if row is None else Shipment(row.round, row.courier, row.tracking_no, row.state, row.proof)


def shipments_of(connection: sa.Connection, case_no: str) -> list[dict[str, Any]]:
    """All of the case, the latest first."""
    return [dict(row._mapping) for row in connection.execute(_OF_CASE, {"of": case_no})]


def keep_shipment(
    tx: Tx, case_no: str, shipment: Shipment, *, ask_at: datetime | None, handed_over_by: str | None = None
) -> None:
    """Write it; new when ``handed_over_by`` says who did."""
    row = {
        "tracking_no": shipment.tracking_no,
        "state": shipment.state,
        "proof": shipment.proof,
        "ask_at": ask_at,
        "changed_at": tx.now,
    }
    if handed_over_by is not None:
        key = {"case_no": case_no, "round": shipment.round, "courier": shipment.courier}
        tx.insert(shipments, [row | key | {"handed_over_by": handed_over_by}])
        return
    own = sa.update(shipments).where(shipments.c.case_no == case_no, shipments.c.round == shipment.round)
    tx.execute(own.values(row))
