"""Rows of appointments (预约). A place is taken and given back by one statement that cannot pass the capacity."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.appointment import AppointmentCancelled
from services.workflow.adapters.items import items_of
from services.workflow.domain.appointments import Time
from services.workflow.models import appointment_slots, appointments, items

_s = appointment_slots.c
_SLOT = sa.select(appointment_slots).where(_s.slot_id == sa.bindparam("id")).with_for_update()
_TAKE = (
    sa.update(appointment_slots)
    .where(_s.slot_id == sa.bindparam("id"), _s.booked < _s.capacity, _s.closed_because.is_(None))
    .values(booked=_s.booked + 1)
)
_GIVE_BACK = (
    sa.update(appointment_slots).where(_s.slot_id == sa.bindparam("id"), _s.booked > 0).values(booked=_s.booked - 1)
)
_APPOINTMENT = sa.select(appointments).where(appointments.c.appointment_id == sa.bindparam("id"))
_NEWEST = sa.select(sa.func.max(items.c.version)).where(items.c.item_code == sa.bindparam("code"))


def slot_row(tx: Tx, slot_id: str) -> Any:
    """The time, locked: who moves between two locks them in the order of their ids. Raises Refusal ``slot_unknown``."""
    row = tx.execute(_SLOT, {"id": slot_id}).one_or_none()
    if row is None:
        raise Refusal("slot_unknown", "没有此时段 / there is no such time", slot_id=slot_id)
    return row


def time_of(slot: Any) -> Time:
    """When it is."""
    return Time(slot.day, slot.opens, slot.closes)


def take_place(tx: Tx, slot: Any) -> None:
    """One place of the slot. Raises Refusal ``slot_closed`` or ``slot_full``."""
    if slot.closed_because is not None:
        raise Refusal("slot_closed", "该时段已停号 / this time was closed", reason=slot.closed_because)
    if tx.execute(_TAKE, {"id": slot.slot_id}).rowcount != 1:
        raise Refusal("slot_full", "该时段已约满 / this time is fully booked", slot_id=slot.slot_id)


def give_back_place(tx: Tx, slot_id: str) -> None:
    """The place is free again."""
    tx.execute(_GIVE_BACK, {"id": slot_id})


def appointment_row(
    connection: sa.Connection, appointment_id: str, where: sa.ColumnElement[bool], *, lock: bool
) -> Any:
    """The appointment, as far as ``where`` lets the caller. Raises Refusal ``appointment_unknown``."""
    statement = _APPOINTMENT.where(where)
    row = connection.execute(statement.with_for_update() if lock else statement, {"id": appointment_id}).one_or_none()
    if row is None:
        raise Refusal("appointment_unknown", "没有此预约 / there is no such appointment", appointment_id=appointment_id)
    return row


def locked(tx: Tx, appointment_id: str, where: sa.ColumnElement[bool], *also: str) -> tuple[Any, dict[str, Any]]:
    """The appointment with its time and the times ``also``, by id, all locked: times first and in the order of their ids, as
    whoever closes a time does. Raises Refusal ``appointment_unknown``, ``slot_unknown`` or ``appointment_changed``.
    """
    seen = appointment_row(tx.connection, appointment_id, where, lock=False)
    slots = {slot_id: slot_row(tx, slot_id) for slot_id in sorted({seen.slot_id, *also})}
    row = appointment_row(tx.connection, appointment_id, where, lock=True)
    if row.slot_id != seen.slot_id:
        raise Refusal("appointment_changed", "预约刚被改约，请刷新 / the appointment was moved just now; look again")
    return row, slots


def item_name(tx: Tx, item_code: str) -> str:
    """Of the newest version."""
    version = tx.execute(_NEWEST, {"code": item_code}).scalar_one()
    return items_of(tx.connection, [(item_code, version)])[item_code, version].name


def lead_of(connection: sa.Connection, item_code: str) -> str:
    """The department that offers appointments for the item."""
    version = connection.execute(_NEWEST, {"code": item_code}).scalar_one()
    return items_of(connection, [(item_code, version)])[item_code, version].lead_department


def place(row: Any, slot: Any, name: str) -> dict[str, Any]:
    """What every event of an appointment says of where and when."""
    return {
        "appointment_id": row.appointment_id,
        "party_id": row.party_id,
        "item_name": name,
        "venue": slot.venue,
        "day": slot.day,
        "opens": slot.opens,
        "closes": slot.closes,
    }


def cancelled(
    row: Any, slot: Any, name: str, *, by: Literal["applicant", "department"], reason: str
) -> AppointmentCancelled:
    """The event."""
    return AppointmentCancelled(**place(row, slot, name), by=by, reason=reason)
