"""预约提醒: tell the day before."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Tx
from contracts.appointment import AppointmentDue
from services.workflow.adapters.appointments import item_name, place
from services.workflow.domain.appointments import BOOKED
from services.workflow.domain.deadline import law_date
from services.workflow.models import appointment_slots, appointments

BATCH = 200


def remind_of_appointments(tx: Tx) -> bool:
    """Tell of at most BATCH appointments, each once however many processes look; True if there may be more."""
    a, today = appointments.c, law_date(tx.now)
    claim = sa.select(appointments).where(a.remind_on <= today).order_by(a.remind_on, a.appointment_id).limit(BATCH)
    claimed = tx.execute(claim.with_for_update(skip_locked=True)).fetchall()
    if not claimed:
        return False
    ids = [row.appointment_id for row in claimed]
    tx.execute(sa.update(appointments).where(a.appointment_id.in_(ids)).values(remind_on=None))
    wanted = sa.select(appointment_slots).where(appointment_slots.c.slot_id.in_({row.slot_id for row in claimed}))
    slots = {slot.slot_id: slot for slot in tx.execute(wanted)}
    names = {code: item_name(tx, code) for code in {row.item_code for row in claimed}}
    for row in claimed:
        slot = slots[row.slot_id]
        if row.state == BOOKED and slot.day > today:  # a scheduler that stood still reminds of nothing that is over
            tx.tell(AppointmentDue(**place(row, slot, names[row.item_code])))
    return len(claimed) == BATCH
