"""送达: how a result that is on paper reaches the applicant. The clock of ten working days (行政许可法 §44) runs until it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chassis.errors import Refusal
from contracts.case import CaseDeliveryMoved, DeliveryState
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer
from services.workflow.domain.progress import close_if_delivered
from services.workflow.domain.states import CaseState

ShipmentState = Literal["ordered", "handed_over", "in_transit", "delivered", "returned"]

SHIPMENT_NEXT: Mapping[ShipmentState, frozenset[DeliveryState]] = {
    "ordered": frozenset({"handed_over"}),
    "handed_over": frozenset({"in_transit", "delivered", "returned"}),
    "in_transit": frozenset({"delivered", "returned"}),
    "delivered": frozenset(),
    "returned": frozenset(),
}
"""ordered: the courier is to give a number. What came back may be sent again, as another shipment."""


@dataclass
class Shipment:
    """What a courier carries. ``proof`` is the 送达回证: who signed, when, and who says so."""

    round: int
    courier: str
    tracking_no: str | None
    state: ShipmentState
    proof: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return not SHIPMENT_NEXT[self.state]


def pick_up(file: CaseFile, *, received_by: str, by: Doer, now: datetime) -> None:
    """领取: the result was handed over at the counter; who received it is kept (送达回证)."""
    _require_deliverable(file)
    if file.delivery_way != "pick_up":
        raise Refusal("tracking_no_missing", "邮寄件须填写运单号或委托快递 / by post: a tracking number or the courier")
    _delivered(file, {"received_by": received_by}, by=by, now=now)


def ship(file: CaseFile, earlier: Shipment | None, *, courier: str | None, tracking_no: str | None) -> Shipment:
    """交寄: hand the result to a courier, who is connected (``tracking_no`` None) or has given a number.

    Raises Refusal ``nothing_to_hand_over``, ``licence_not_ready`` or ``tracking_no_missing``.
    """
    _require_deliverable(file)
    if earlier is not None and not earlier.ended:
        raise Refusal(
            "nothing_to_hand_over", "已交寄 / the result is with the courier already", tracking_no=earlier.tracking_no
        )
    if file.delivery_way != "post" or courier is None:
        raise Refusal("tracking_no_missing", "请填写快递公司和运单号 / give the courier and a tracking number")
    shipment = Shipment(1 if earlier is None else earlier.round + 1, courier, tracking_no, "ordered")
    file.changed = True
    if tracking_no is not None:
        _move(file, shipment, "handed_over", tracking_no=tracking_no)
    return shipment


def move_shipment(
    file: CaseFile,
    shipment: Shipment,
    to: DeliveryState,
    *,
    by: Doer,
    now: datetime,
    tracking_no: str | None = None,
    received_by: str | None = None,
    signed_at: str | None = None,
    reason: str = "",
) -> None:
    """What the courier, or for one that is not connected the lead department, says has happened.

    Raises Refusal ``delivery_move_not_allowed`` or ``reason_required``.
    """
    number = shipment.tracking_no or tracking_no
    if to not in SHIPMENT_NEXT[shipment.state] or number is None or (to == "delivered" and not received_by):
        raise Refusal(
            "delivery_move_not_allowed",
            "寄递状态不能这样变更 / the shipment cannot become that, or who received it is missing",
            state=shipment.state,
            to=to,
            allowed=sorted(SHIPMENT_NEXT[shipment.state]),
        )
    if to == "returned" and not reason.strip():
        raise Refusal("reason_required", "退回须说明原因 / say why it came back")
    file.changed = True
    _move(file, shipment, to, tracking_no=number, reason=reason)
    if to == "delivered":
        shipment.proof = {
            "received_by": received_by,
            "signed_at": signed_at or now.isoformat(),
            "told_by": by.account_id,
        }
        shown = {"courier": shipment.courier, "tracking_no": number, "received_by": received_by}
        _delivered(file, shown, by=by, now=now)
    elif to == "returned":
        shipment.proof = {"reason": reason, "told_by": by.account_id}


def _move(file: CaseFile, shipment: Shipment, to: DeliveryState, *, tracking_no: str, reason: str = "") -> None:
    shipment.state, shipment.tracking_no = to, tracking_no
    file.events.append(
        CaseDeliveryMoved(
            case_no=file.case_no, state=to, courier=shipment.courier, tracking_no=tracking_no, reason=reason
        )
    )


def _require_deliverable(file: CaseFile) -> None:
    if file.state is not CaseState.APPROVED or file.delivery_way == "electronic" or file.delivered_at is not None:
        raise Refusal(
            "nothing_to_hand_over", "没有待送达的结果 / there is no result to be handed over", state=file.state.value
        )
    if file.licence_no is None:
        raise Refusal("licence_not_ready", "证照尚未制发 / the licence is not issued yet", case_no=file.case_no)


def _delivered(file: CaseFile, how: Mapping[str, Any], *, by: Doer, now: datetime) -> None:
    file.delivery = (file.delivery or {}) | dict(how) | {"by": by.account_id}
    file.delivered_at, file.changed = now, True
    close_if_delivered(file, now=now)
