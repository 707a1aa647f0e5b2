"""寄递跟踪: order from the connected courier what is to be carried, and ask where it is, never inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from chassis.db import Tx
from contracts.case import DeliveryState
from services.workflow.adapters import case_store
from services.workflow.adapters.addresses import ADDRESSES
from services.workflow.adapters.courier import COURIERS, Courier, CourierUnavailable, Tracked
from services.workflow.adapters.shipments import keep_shipment, last_shipment
from services.workflow.domain.case_parts import Doer
from services.workflow.domain.delivery import SHIPMENT_NEXT, move_shipment
from services.workflow.models import cases, db, shipments
from services.workflow.use_cases.party import keep

log = structlog.get_logger()

BATCH = 50
ASK_EVERY = timedelta(minutes=30)
TRY_AGAIN = timedelta(minutes=2)
_STATES: dict[str, DeliveryState] = {
    "accepted": "handed_over",
    "in_transit": "in_transit",
    "delivered": "delivered",
    "returned": "returned",
}


@dataclass(frozen=True)
class _Asked:
    case_no: str
    round: int
    ordered: bool
    to: str

    @property
    def order_no(self) -> str:
        return f"{self.case_no}-{self.round}"


def ask_courier() -> bool:
    """Ask about at most BATCH shipments; True if there may be more."""
    courier = COURIERS.connected
    if courier is None:
        return False
    with db.transaction() as tx:
        asked = _claim(tx)
    for one in asked:
        try:
            found = _answer(courier, one)
        except CourierUnavailable as error:
            log.warning("courier_unavailable", case_no=one.case_no, error=str(error))
            continue
        with db.transaction() as tx:
            _note(tx, one, found, Doer(courier.name))
    return len(asked) == BATCH


def _claim(tx: Tx) -> list[_Asked]:
    """Those due, put off at once: whoever dies on the way leaves them to the next."""
    s = shipments.c
    due = (
        sa.select(shipments).where(s.ask_at <= tx.now).order_by(s.ask_at).limit(BATCH).with_for_update(skip_locked=True)
    )
    rows = tx.execute(due).fetchall()
    for row in rows:
        own = sa.update(shipments).where(s.case_no == row.case_no, s.round == row.round)
        tx.execute(own.values(ask_at=tx.now + TRY_AGAIN))
    return [_Asked(row.case_no, row.round, row.state != "ordered", _to(tx, row)) for row in rows]


def _to(tx: Tx, row: Any) -> str:
    if row.state != "ordered":
        return ""
    delivery = tx.execute(sa.select(cases.c.delivery).where(cases.c.case_no == row.case_no)).scalar_one()
    return str((ADDRESSES.open(row.case_no, delivery) or {}).get("address", ""))


def _answer(courier: Courier, asked: _Asked) -> Tracked:
    return courier.track(asked.order_no) if asked.ordered else courier.order(asked.order_no, asked.to)


def _note(tx: Tx, asked: _Asked, found: Tracked, by: Doer) -> None:
    """Move the shipment on to what the courier says; news that come late, twice or out of order change nothing."""
    file = case_store.load(tx, [asked.case_no])[asked.case_no]
    shipment = last_shipment(tx, asked.case_no)
    if shipment is None or shipment.round != asked.round or shipment.ended:
        return
    if shipment.state == "ordered":
        move_shipment(file, shipment, "handed_over", by=by, now=tx.now, tracking_no=found.tracking_no)
    to = _STATES[found.state]
    if to in SHIPMENT_NEXT[shipment.state]:
        told = {"received_by": found.signed_by or "本人 / addressee", "signed_at": found.signed_at or None}
        reason = found.reason or "快递退回 / returned by the courier"
        move_shipment(file, shipment, to, by=by, now=tx.now, reason=reason if to == "returned" else "", **told)
    keep_shipment(tx, asked.case_no, shipment, ask_at=None if shipment.ended else tx.now + ASK_EVERY)
    keep(tx, file)
