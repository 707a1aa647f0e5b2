"""Appointments: what is free, a citizen's own, and a counter's day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from chassis import clock
from chassis.auth import Principal
from chassis.errors import Refusal
from contracts.rights import permits
from services.workflow.adapters.appointments import lead_of
from services.workflow.adapters.rights import own_appointments
from services.workflow.domain.deadline import law_date
from services.workflow.models import appointment_slots, appointments, db, items

LONGEST = timedelta(days=62)
MOST = 200
SHOWN = ("appointment_id", "slot_id", "item_code", "case_no", "number", "state", "venue", "opens", "closes")

_s, _a = appointment_slots.c, appointments.c
_PLACE = (_s.slot_id, _s.item_code, _s.venue, _s.day, _s.opens, _s.closes)
_WITH_TIME = sa.select(appointments, _s.venue, _s.day, _s.opens, _s.closes).join(
    appointment_slots, _a.slot_id == _s.slot_id
)


def slots_of(item_code: str, from_on: date | None, until_on: date | None, venue: str | None) -> list[dict[str, Any]]:
    """Times of the item that are not closed, by venue and time, with the places left; two months at most."""
    first = max(from_on or date.min, law_date(clock.now()))
    last = min(until_on or date.max, first + LONGEST)
    free = (_s.capacity - _s.booked).label("free")
    statement = (
        sa.select(*_PLACE, _s.capacity, free)
        .where(_s.item_code == item_code, _s.day.between(first, last), _s.closed_because.is_(None))
        .order_by(_s.venue, _s.day, _s.opens)
    )
    if venue is not None:
        statement = statement.where(_s.venue == venue)
    with db.read() as connection:
        return [dict(row._mapping) for row in connection.execute(statement)]


def appointments_of(caller: Principal) -> list[dict[str, Any]]:
    """The caller's appointments, the latest booked first."""
    own = _WITH_TIME.where(own_appointments(caller)).order_by(_a.booked_at.desc(), _a.appointment_id.desc())
    with db.read() as connection:
        return [_shown(row) for row in connection.execute(own.limit(MOST))]


def appointment_for(connection: sa.Connection, caller: Principal, appointment_id: str) -> dict[str, Any]:
    """One of the caller's, in JSON's types."""
    own = _WITH_TIME.where(_a.appointment_id == appointment_id, own_appointments(caller))
    return _shown(connection.execute(own).one())


def _shown(row: Any) -> dict[str, Any]:
    return {name: row._mapping[name] for name in SHOWN} | {
        "booked_at": row.booked_at.isoformat(),
        "day": row.day.isoformat(),
    }


def day_list(caller: Principal, item_code: str, day: date | None, venue: str | None) -> list[dict[str, Any]]:
    """Who is expected on a day (today), in the order of times. Raises Refusal ``not_found`` for another department's item."""
    statement = _WITH_TIME.where(_a.item_code == item_code, _s.day == (day or law_date(clock.now())))
    if venue is not None:
        statement = statement.where(_s.venue == venue)
    with db.read() as connection:
        known = connection.execute(sa.select(items.c.version).where(items.c.item_code == item_code)).first()
        lead = None if known is None else lead_of(connection, item_code)
        if lead is None or not permits(caller, "appointments:serve", lead=lead):
            raise Refusal("not_found", "不是本部门的事项 / not an item of this department", item_code=item_code)
        ordered = statement.where(_a.state != "cancelled").order_by(_s.opens, _s.venue, _a.booked_at)
        return [_shown(row) | {"party_id": row.party_id} for row in connection.execute(ordered)]
