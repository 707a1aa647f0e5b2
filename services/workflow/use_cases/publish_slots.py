"""发布号源、停号、恢复: what a department offers at a venue, what it has to close, and opens again after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.rights import permits
from services.workflow.adapters.appointments import cancelled, item_name, lead_of, slot_row, time_of
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.adapters.items import item_in_force
from services.workflow.domain.appointments import BOOKED, CANCELLED, Opening, require_bookable, times_between
from services.workflow.domain.deadline import law_date
from services.workflow.models import appointment_slots, appointments


def publish_slots(
    tx: Tx,
    caller: Principal,
    *,
    item_code: str,
    venue: str,
    from_on: date,
    until_on: date,
    hours: Sequence[Opening],
    minutes: int,
    capacity: int,
    extra_days: Sequence[date],
) -> dict[str, int]:
    """Offer times with ``capacity`` places each; those that are there already stay as they are.

    Raises Refusal ``not_found``, ``item_unknown``, ``no_appointments`` or ``slots_invalid``.
    """
    item = item_in_force(tx.connection, item_code, law_date(tx.now))
    if not permits(caller, "appointments:publish", lead=item.lead_department):
        raise Refusal("not_found", "不是本部门的事项 / not an item of this department", item_code=item_code)
    if not item.appointments:
        raise Refusal("no_appointments", "本事项不办理预约 / the item takes no appointments", item_code=item_code)
    times = times_between(
        from_on, until_on, hours, minutes=minutes, calendar=holiday_calendar, now=tx.now, extra_days=extra_days
    )
    rows = [
        {
            "slot_id": str(uuid_utils.uuid7()),
            "item_code": item_code,
            "venue": venue,
            "day": time.day,
            "opens": time.opens,
            "closes": time.closes,
            "capacity": capacity,
            "booked": 0,
            "closed_because": None,
            "published_by": caller.subject,
        }
        for time in times
    ]
    new = tx.insert_new(appointment_slots, rows, [appointment_slots.c.slot_id])
    return {"published": len(new), "there_already": len(rows) - len(new)}


def close_slot(tx: Tx, slot_id: str, reason: str, caller: Principal) -> dict[str, Any]:
    """停号: nobody may book the time any more, and who has is told. Raises Refusal ``not_found`` or ``slot_past``."""
    slot = _own_slot(tx, slot_id, caller)
    a = appointments.c
    booked = tx.execute(sa.select(appointments).where(a.slot_id == slot_id, a.state == BOOKED).with_for_update()).all()
    s = appointment_slots.c
    closed = sa.update(appointment_slots).where(s.slot_id == slot_id)
    tx.execute(closed.values(closed_because=reason, booked=s.booked - len(booked)))
    ended = {"state": CANCELLED, "changed_at": tx.now, "only_open": None, "remind_on": None}
    tx.execute(sa.update(appointments).where(a.slot_id == slot_id, a.state == BOOKED).values(ended))
    name = item_name(tx, slot.item_code)
    for row in booked:
        tx.tell(cancelled(row, slot, name, by="department", reason=reason))
    return {"slot_id": slot_id, "cancelled": len(booked)}


def reopen_slot(tx: Tx, slot_id: str, caller: Principal) -> dict[str, Any]:
    """恢复号源: the time may be booked again; who was cancelled books anew. Raises Refusal ``not_found``, ``slot_past`` or
    ``slot_not_closed``.
    """
    slot = _own_slot(tx, slot_id, caller)
    if slot.closed_because is None:
        raise Refusal("slot_not_closed", "该时段没有停号 / this time is not closed", slot_id=slot_id)
    opened = sa.update(appointment_slots).where(appointment_slots.c.slot_id == slot_id)
    tx.execute(opened.values(closed_because=None))
    return {"slot_id": slot_id, "free": slot.capacity - slot.booked}


def _own_slot(tx: Tx, slot_id: str, caller: Principal) -> Any:
    """The time, locked, that the caller's department offers and that has not begun."""
    slot = slot_row(tx, slot_id)
    if not permits(caller, "appointments:publish", lead=lead_of(tx.connection, slot.item_code)):
        raise Refusal("not_found", "没有此时段 / there is no such time", slot_id=slot_id)
    require_bookable(time_of(slot), tx.now)
    return slot
