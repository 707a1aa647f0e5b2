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
_FREE = (_s.capacity - _s.booked).label("free")
_WITH_TIME = sa.select(appointments, _s.venue, _s.day, _s.opens, _s.closes).join(
    appointment_slots, _a.slot_id == _s.slot_id
)


def slots_of(item_code: str, from_on: date | None, until_on: date | None, venue: str | None) -> list[dict[str, Any]]:
    """Times of the item that are not closed, by venue and time, with the places left; two months at most."""
    first = max(from_on or date.min, law_date(clock.now()))
    last = min(until_on or date.max, first + LONGEST)
    statement = (
        sa.select(*_PLACE, _s.capacity, _FREE)
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


def day_list(caller: Principal, item_code: str | None, day: date | None, venue: str | None) -> dict[str, Any]:
    """Who is expected on a day (today) and the times of that day, both in the order of times; of all items that the caller's
    department leads, or of one. Raises Refusal ``not_found`` for another department's item.
    """
    when = _s.day == (day or law_date(clock.now()))
    where = when if venue is None else sa.and_(when, _s.venue == venue)
    with db.read() as connection:
        codes = _offered_on(connection, when) if item_code is None else _known(connection, item_code)
        served = [c for c in codes if permits(caller, "appointments:serve", lead=lead_of(connection, c))]
        if item_code is not None and not served:
            raise Refusal("not_found", "不是本部门的事项 / not an item of this department", item_code=item_code)
        expected = _WITH_TIME.where(_a.item_code.in_(served), where, _a.state != "cancelled")
        times = sa.select(*_PLACE, _s.capacity, _FREE, _s.closed_because).where(_s.item_code.in_(served), where)
        ordered = expected.order_by(_s.opens, _s.venue, _a.booked_at)
        return {
            "appointments": [_shown(row) | {"party_id": row.party_id} for row in connection.execute(ordered)],
            "slots": [
                dict(row._mapping) for row in connection.execute(times.order_by(_s.opens, _s.venue, _s.item_code))
            ],
        }


def _offered_on(connection: sa.Connection, when: sa.ColumnElement[bool]) -> list[str]:
    return list(connection.execute(sa.select(_s.item_code).where(when).distinct()).scalars())


def _known(connection: sa.Connection, item_code: str) -> list[str]:
    """The item's code, if there is such an item."""
    found = connection.execute(sa.select(items.c.item_code).where(items.c.item_code == item_code).distinct())
    return list(found.scalars())
