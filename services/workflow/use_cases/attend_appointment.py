"""到号、办毕、爽约: what the counter notes of an appointment."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.appointment import AppointmentAttended, Attendance
from contracts.rights import permits
from services.workflow.adapters.appointments import lead_of, locked, time_of
from services.workflow.domain.appointments import OPEN, require_attendance
from services.workflow.models import appointments


def attend_appointment(tx: Tx, appointment_id: str, state: Attendance, caller: Principal) -> dict[str, Any]:
    """Note it. Raises Refusal ``appointment_unknown``, ``appointment_changed`` or ``attendance_not_allowed``."""
    row, slots = locked(tx, appointment_id, sa.true())
    department = lead_of(tx.connection, row.item_code)
    if not permits(caller, "appointments:serve", lead=department):
        raise Refusal("appointment_unknown", "没有此预约 / there is no such appointment", appointment_id=appointment_id)
    require_attendance(row.state, state, time_of(slots[row.slot_id]), tx.now)
    changed: dict[str, Any] = {"state": state, "changed_at": tx.now, "remind_on": None}
    if state not in OPEN:
        changed["only_open"] = None  # another may be booked
    tx.execute(sa.update(appointments).where(appointments.c.appointment_id == appointment_id).values(changed))
    tx.tell(
        AppointmentAttended(appointment_id=appointment_id, item_code=row.item_code, department=department, state=state)
    )
    return {"appointment_id": appointment_id, "state": state}
