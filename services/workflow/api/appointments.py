"""预约 over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint

from chassis.auth import Principal, principal, public, requires
from chassis.db import Tx
from chassis.idempotency import once
from services.workflow import queries
from services.workflow.api.appointment_schemas import (
    AppointmentListSchema,
    AppointmentSchema,
    AttendanceSchema,
    AttendedSchema,
    BookSchema,
    CancelSchema,
    ClosedSlotSchema,
    DayListSchema,
    DayQuerySchema,
    MoveSchema,
    PublishedSlotsSchema,
    PublishSlotsSchema,
    ReopenedSlotSchema,
    SlotClosureSchema,
    SlotListSchema,
    SlotQuerySchema,
)
from services.workflow.domain.appointments import Opening
from services.workflow.models import db
from services.workflow.use_cases.attend_appointment import attend_appointment
from services.workflow.use_cases.book_appointment import book_appointment, cancel_appointment, move_appointment
from services.workflow.use_cases.party import doer
from services.workflow.use_cases.publish_slots import close_slot, publish_slots, reopen_slot

APPOINTMENTS = Blueprint("appointments", __name__, url_prefix="/api/v1", description="预约 / appointments at counters")


def _once(act: Callable[[Tx, Principal], dict[str, Any]]) -> Any:
    """Do ``act`` once for the request's key."""
    caller = principal()
    return once(db, lambda tx: act(tx, caller))


@APPOINTMENTS.post("/appointment-slots")
@requires("appointments:publish")
@APPOINTMENTS.arguments(PublishSlotsSchema)
@APPOINTMENTS.response(201, PublishedSlotsSchema)
def publish(body: dict[str, Any]) -> Any:
    """发布号源: offer times at a venue for an item of the department (Idempotency-Key required)."""
    hours = [Opening(**opening) for opening in body["hours"]]
    return _once(lambda tx, who: publish_slots(tx, who, **(body | {"hours": hours})))


@APPOINTMENTS.get("/appointment-slots")
@public
@APPOINTMENTS.arguments(SlotQuerySchema, location="query")
@APPOINTMENTS.response(200, SlotListSchema)
def free(query: dict[str, Any]) -> dict[str, Any]:
    """可约时段: times and the places left."""
    return {"slots": queries.slots_of(**query)}


@APPOINTMENTS.post("/appointment-slots/<slot_id>/closure")
@requires("appointments:publish")
@APPOINTMENTS.arguments(SlotClosureSchema)
@APPOINTMENTS.response(200, ClosedSlotSchema)
def close(body: dict[str, Any], slot_id: str) -> Any:
    """停号: nobody can come then; who has booked is told (Idempotency-Key required)."""
    return _once(lambda tx, who: close_slot(tx, slot_id, body["reason"], who))


@APPOINTMENTS.post("/appointment-slots/<slot_id>/reopening")
@requires("appointments:publish")
@APPOINTMENTS.response(200, ReopenedSlotSchema)
def reopen(slot_id: str) -> Any:
    """恢复号源: a time that was closed may be booked again (Idempotency-Key required)."""
    return _once(lambda tx, who: reopen_slot(tx, slot_id, who))


@APPOINTMENTS.post("/appointments")
@requires("appointments:book")
@APPOINTMENTS.arguments(BookSchema)
@APPOINTMENTS.response(201, AppointmentSchema)
def book(body: dict[str, Any]) -> Any:
    """预约: take a place (Idempotency-Key required)."""

    def act(tx: Tx, who: Principal) -> dict[str, Any]:
        made = book_appointment(tx, body["slot_id"], body["case_no"], who, by=doer(who).account_id)
        return queries.appointment_for(tx.connection, who, made)

    return _once(act)


@APPOINTMENTS.get("/appointments")
@requires("appointments:book")
@APPOINTMENTS.response(200, AppointmentListSchema)
def list_mine() -> dict[str, Any]:
    """我的预约: the caller's appointments."""
    return {"appointments": queries.appointments_of(principal())}


@APPOINTMENTS.post("/appointments/<appointment_id>/rescheduling")
@requires("appointments:book")
@APPOINTMENTS.arguments(MoveSchema)
@APPOINTMENTS.response(200, AppointmentSchema)
def move(body: dict[str, Any], appointment_id: str) -> Any:
    """改约: to another time of the same item (Idempotency-Key required)."""

    def act(tx: Tx, who: Principal) -> dict[str, Any]:
        move_appointment(tx, appointment_id, body["slot_id"], who)
        return queries.appointment_for(tx.connection, who, appointment_id)

    return _once(act)


@APPOINTMENTS.post("/appointments/<appointment_id>/cancellation")
@requires("appointments:book")
@APPOINTMENTS.arguments(CancelSchema)
@APPOINTMENTS.response(200, AppointmentSchema)
def cancel(body: dict[str, Any], appointment_id: str) -> Any:
    """取消预约 (Idempotency-Key required)."""

    def act(tx: Tx, who: Principal) -> dict[str, Any]:
        cancel_appointment(tx, appointment_id, body["reason"], who)
        return queries.appointment_for(tx.connection, who, appointment_id)

    return _once(act)


@APPOINTMENTS.get("/appointments/day")
@requires("appointments:serve")
@APPOINTMENTS.arguments(DayQuerySchema, location="query")
@APPOINTMENTS.response(200, DayListSchema)
def day(query: dict[str, Any]) -> dict[str, Any]:
    """当日预约: who is expected at the counters of the department's items, and the times of the day, closed ones too."""
    return queries.day_list(principal(), **query)


@APPOINTMENTS.post("/appointments/<appointment_id>/attendance")
@requires("appointments:serve")
@APPOINTMENTS.arguments(AttendanceSchema)
@APPOINTMENTS.response(200, AttendedSchema)
def attend(body: dict[str, Any], appointment_id: str) -> Any:
    """到号、办毕、爽约: note it (Idempotency-Key required)."""
    return _once(lambda tx, who: attend_appointment(tx, appointment_id, body["state"], who))
