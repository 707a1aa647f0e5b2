"""Facts about appointments at counters (预约). Owner: workflow."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from contracts.envelope import FOR_THE_RECORD_S, Event

Attendance = Literal["arrived", "served", "no_show"]


class AppointmentBooked(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A place is taken; ``moved``: instead of the one that the same appointment had before (改约).

    ``opens`` and ``closes`` are times of day ``HH:MM`` in Asia/Shanghai, on every event of appointments.
    """

    TYPE: ClassVar[str] = "appointment.booked.v1"
    SUBJECT: ClassVar[str | None] = "appointment_id"
    appointment_id: str
    party_id: str
    item_code: str
    item_name: str
    venue: str
    day: date
    opens: str
    closes: str
    case_no: str | None = None
    moved: bool = False


class AppointmentCancelled(Event, frozen=True, kw_only=True):
    """The place is free again: the applicant cancelled, or the department cannot open then and says why."""

    TYPE: ClassVar[str] = "appointment.cancelled.v1"
    SUBJECT: ClassVar[str | None] = "appointment_id"
    appointment_id: str
    party_id: str
    item_name: str
    venue: str
    day: date
    opens: str
    closes: str
    by: Literal["applicant", "department"]
    reason: str


class AppointmentDue(Event, frozen=True, kw_only=True):
    """预约提醒: the appointment is tomorrow."""

    TYPE: ClassVar[str] = "appointment.due.v1"
    SUBJECT: ClassVar[str | None] = "appointment_id"
    appointment_id: str
    party_id: str
    item_name: str
    venue: str
    day: date
    opens: str
    closes: str


class AppointmentAttended(Event, frozen=True, kw_only=True):
    """到号、办毕或者爽约, as the counter noted it."""

    TYPE: ClassVar[str] = "appointment.attended.v1"
    SUBJECT: ClassVar[str | None] = "appointment_id"
    PATIENCE_S: ClassVar[float] = FOR_THE_RECORD_S
    appointment_id: str
    item_code: str
    department: str
    state: Attendance
