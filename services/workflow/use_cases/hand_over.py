"""送达: hand the result over at the counter or to a courier, and note how it reached the applicant (送达回证)."""

from __future__ import annotations

from typing import Any

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.case import DeliveryState
from services.workflow.adapters.courier import COURIERS
from services.workflow.adapters.shipments import keep_shipment, last_shipment
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.delivery import move_shipment, pick_up, ship
from services.workflow.use_cases.party import case_of_lead, keep, of_department


def hand_over(
    tx: Tx, case_no: str, caller: Principal, *, received_by: str | None, tracking_no: str | None, courier: str | None
) -> CaseFile:
    """To whom at the counter; or to ``courier`` with its tracking number, or without one to the courier that is connected.

    Raises Refusal ``not_found``, ``nothing_to_hand_over``, ``licence_not_ready`` or ``tracking_no_missing``.
    """
    file, by = case_of_lead(tx, case_no, caller), of_department(caller)
    if received_by is not None and tracking_no is None:
        pick_up(file, received_by=received_by, by=by, now=tx.now)
        return keep(tx, file)
    connected = None if COURIERS.connected is None else COURIERS.connected.name
    carrier = connected if tracking_no is None else courier or connected or "快递 / courier"
    shipment = ship(file, last_shipment(tx, case_no), courier=carrier, tracking_no=tracking_no)
    asked = carrier == connected and tracking_no is None
    keep_shipment(tx, case_no, shipment, ask_at=tx.now if asked else None, handed_over_by=caller.subject)
    return keep(tx, file)


def report_delivery(tx: Tx, case_no: str, caller: Principal, *, state: DeliveryState, **told: Any) -> CaseFile:
    """Where a courier that is not connected says the shipment is. Raises Refusal ``not_found``, ``nothing_to_hand_over``,
    ``delivery_move_not_allowed`` or ``reason_required``.
    """
    file = case_of_lead(tx, case_no, caller)
    shipment = last_shipment(tx, case_no)
    if shipment is None:
        raise Refusal("nothing_to_hand_over", "尚未交寄 / nothing was handed to a courier", case_no=case_no)
    move_shipment(file, shipment, state, by=of_department(caller), now=tx.now, **told)
    keep_shipment(tx, case_no, shipment, ask_at=None)
    return keep(tx, file)
