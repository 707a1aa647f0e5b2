"""预约、改约、取消: a citizen takes a place, another one, or gives it back."""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.appointment import AppointmentBooked
from contracts.rights import permits
from services.workflow.adapters.appointments import (
    cancelled,
    give_back_place,
    item_name,
    locked,
    place,
    slot_row,
    take_place,
    time_of,
)
from services.workflow.adapters.items import item_in_force
from services.workflow.adapters.rights import own_appointments
from services.workflow.domain.appointments import BOOKED, CANCELLED, remind_on, require_bookable, require_changeable
from services.workflow.domain.deadline import law_date
from services.workflow.models import appointments, cases
from services.workflow.use_cases.party import require_item

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that reads as another


def book_appointment(tx: Tx, slot_id: str, case_no: str | None, caller: Principal, *, by: str) -> str:
    """Take a place for the caller's party, for a case or the item; the appointment's id.

    Raises Refusal ``slot_unknown``, ``slot_past``, ``slot_closed``, ``slot_full``, ``already_booked``, ``not_found``,
    ``item_not_delegated``, or like ``submit_case`` for the item.
    """
    slot = slot_row(tx, slot_id)
    require_item(caller, slot.item_code)
    item_in_force(tx.connection, slot.item_code, law_date(tx.now))
    require_bookable(time_of(slot), tx.now)
    if case_no is not None:
        _require_case(tx, case_no, slot.item_code, caller)
    row = {
        "appointment_id": str(uuid_utils.uuid7()),
        "slot_id": slot_id,
        "item_code": slot.item_code,
        "party_id": caller.party,
        "case_no": case_no,
        "number": "".join(secrets.choice(_LETTERS) for _ in range(6)),
        "state": BOOKED,
        "booked_by": by,
        "booked_at": tx.now,
        "changed_at": tx.now,
        "only_open": f"{caller.party}/{case_no or slot.item_code}",
        "remind_on": remind_on(slot.day, law_date(tx.now)),
    }
    made = tx.insert_new(appointments, [row], list(appointments.c))
    if not made:
        raise Refusal(
            "already_booked",
            "该办件或事项已有预约，请改约或先取消 / there is an appointment for it already; move or cancel that one",
        )
    take_place(tx, slot)
    tx.tell(_booked(tx, made[0], slot, moved=False))
    return str(row["appointment_id"])


def move_appointment(tx: Tx, appointment_id: str, slot_id: str, caller: Principal) -> None:
    """改约: the new place is taken before the old one is given back, so that nobody loses one without the other.

    Raises Refusal ``appointment_unknown``, ``appointment_ended``, ``another_item`` or like ``book_appointment``.
    """
    row, slots = locked(tx, appointment_id, own_appointments(caller), slot_id)
    old, new = slots[row.slot_id], slots[slot_id]
    require_changeable(row.state, time_of(old), tx.now)
    require_bookable(time_of(new), tx.now)
    if new.item_code != row.item_code:
        raise Refusal("another_item", "该时段属于其他事项 / this time is for another item", item_code=new.item_code)
    if new.slot_id == old.slot_id:
        return
    take_place(tx, new)
    give_back_place(tx, old.slot_id)
    changed = {"slot_id": slot_id, "changed_at": tx.now, "remind_on": remind_on(new.day, law_date(tx.now))}
    tx.execute(sa.update(appointments).where(appointments.c.appointment_id == appointment_id).values(changed))
    tx.tell(_booked(tx, row, new, moved=True))


def cancel_appointment(tx: Tx, appointment_id: str, reason: str, caller: Principal) -> None:
    """取消预约. Raises Refusal ``appointment_unknown``, ``appointment_ended`` or ``slot_past``."""
    row, slots = locked(tx, appointment_id, own_appointments(caller))
    slot = slots[row.slot_id]
    require_changeable(row.state, time_of(slot), tx.now)
    ended = {"state": CANCELLED, "changed_at": tx.now, "only_open": None, "remind_on": None}
    tx.execute(sa.update(appointments).where(appointments.c.appointment_id == appointment_id).values(ended))
    give_back_place(tx, slot.slot_id)
    tx.tell(cancelled(row, slot, item_name(tx, row.item_code), by="applicant", reason=reason))


def _require_case(tx: Tx, case_no: str, item_code: str, caller: Principal) -> None:
    row = tx.execute(sa.select(cases.c.applicant_id, cases.c.item_code).where(cases.c.case_no == case_no)).one_or_none()
    mine = row is not None and permits(caller, "cases:read", party=row.applicant_id, item=row.item_code)
    if row is None or not mine or row.item_code != item_code:
        raise Refusal("not_found", "没有本事项的此办件 / there is no such case of this item", case_no=case_no)


def _booked(tx: Tx, row: Any, slot: Any, *, moved: bool) -> AppointmentBooked:
    where = place(row, slot, item_name(tx, row.item_code))
    return AppointmentBooked(**where, item_code=row.item_code, case_no=row.case_no, moved=moved)
