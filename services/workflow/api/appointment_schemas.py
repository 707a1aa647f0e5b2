"""预约 over HTTP: what departments offer, what is booked, what the counter notes."""

from __future__ import annotations

from typing import get_args

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range, Regexp

from contracts.appointment import Attendance


def _item() -> ma.fields.String:
    return ma.fields.String(required=True, validate=Length(equal=31), metadata={"description": "实施编码"})


def _clock() -> ma.fields.String:
    return ma.fields.String(
        required=True, validate=Regexp(r"\A(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z"), metadata={"description": "HH:MM"}
    )


def _venue(*, required: bool) -> ma.fields.String:
    return ma.fields.String(required=required, validate=Length(1, 100), metadata={"description": "网点、窗口 / venue"})


class OpeningSchema(ma.Schema):
    """Opening hours, in Asia/Shanghai."""

    opens = _clock()
    closes = _clock()


class PublishSlotsSchema(ma.Schema):
    """Times on every working day of the span and on ``extra_days``, each of ``minutes``, with ``capacity`` places."""

    item_code = _item()
    venue = _venue(required=True)
    from_on = ma.fields.Date(required=True)
    until_on = ma.fields.Date(required=True)
    extra_days = ma.fields.List(
        ma.fields.Date(), load_default=list, validate=Length(max=60), metadata={"description": "休息日延时服务"}
    )
    hours = ma.fields.List(ma.fields.Nested(OpeningSchema), required=True, validate=Length(1, 6))
    minutes = ma.fields.Integer(required=True, validate=Range(5, 480))
    capacity = ma.fields.Integer(required=True, validate=Range(1, 1000))


class PublishedSlotsSchema(ma.Schema):
    """How many times are new, and how many there were already."""

    published = ma.fields.Integer(required=True)
    there_already = ma.fields.Integer(required=True)


class SlotClosureSchema(ma.Schema):
    """Why nobody can come then: it is told to who has booked."""

    reason = ma.fields.String(required=True, validate=Length(1, 300))


class ClosedSlotSchema(ma.Schema):
    """How many appointments were cancelled by it."""

    slot_id = ma.fields.String(required=True)
    cancelled = ma.fields.Integer(required=True)


class ReopenedSlotSchema(ma.Schema):
    """How many places are free again."""

    slot_id = ma.fields.String(required=True)
    free = ma.fields.Integer(required=True)


class SlotQuerySchema(ma.Schema):
    """Of which item, and when; two months at most."""

    item_code = _item()
    from_on = ma.fields.Date(load_default=None)
    until_on = ma.fields.Date(load_default=None)
    venue = ma.fields.String(load_default=None, validate=Length(1, 100))


class SlotSchema(ma.Schema):
    """A time and how many places are free."""

    slot_id = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    venue = ma.fields.String(required=True)
    day = ma.fields.Date(required=True)
    opens = ma.fields.String(required=True)
    closes = ma.fields.String(required=True)
    capacity = ma.fields.Integer(required=True)
    free = ma.fields.Integer(required=True)


class SlotListSchema(ma.Schema):
    """By venue and time."""

    slots = ma.fields.List(ma.fields.Nested(SlotSchema), required=True)


class BookSchema(ma.Schema):
    """Which time, and for which running case, if for one."""

    slot_id = ma.fields.String(required=True, validate=Length(1, 36))
    case_no = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 50))


class MoveSchema(ma.Schema):
    """To which time."""

    slot_id = ma.fields.String(required=True, validate=Length(1, 36))


class CancelSchema(ma.Schema):
    """Why, if one likes to say."""

    reason = ma.fields.String(load_default="", validate=Length(max=300))


class AppointmentSchema(ma.Schema):
    """A booked place. ``number`` is what to show at the counter."""

    appointment_id = ma.fields.String(required=True)
    slot_id = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    case_no = ma.fields.String(required=True, allow_none=True)
    number = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    venue = ma.fields.String(required=True)
    day = ma.fields.String(required=True, metadata={"format": "date"})
    opens = ma.fields.String(required=True)
    closes = ma.fields.String(required=True)
    booked_at = ma.fields.String(required=True, metadata={"format": "date-time"})


class ExpectedSchema(AppointmentSchema):
    """The same, as the counter sees it."""

    party_id = ma.fields.String(required=True)


class AppointmentListSchema(ma.Schema):
    """The caller's, the latest booked first."""

    appointments = ma.fields.List(ma.fields.Nested(AppointmentSchema), required=True)


class DayQuerySchema(ma.Schema):
    """Of which item (all that the department leads), on which day (today), at which venue (all)."""

    item_code = ma.fields.String(load_default=None, validate=Length(equal=31), metadata={"description": "实施编码"})
    day = ma.fields.Date(load_default=None)
    venue = ma.fields.String(load_default=None, validate=Length(1, 100))


class DaySlotSchema(SlotSchema):
    """A time as the counter sees it."""

    closed_because = ma.fields.String(required=True, allow_none=True)


class DayListSchema(ma.Schema):
    """Who is expected, and what is offered, both in the order of times."""

    appointments = ma.fields.List(ma.fields.Nested(ExpectedSchema), required=True)
    slots = ma.fields.List(ma.fields.Nested(DaySlotSchema), required=True)


class AttendanceSchema(ma.Schema):
    """到号、办毕、爽约."""

    state = ma.fields.String(required=True, validate=OneOf(get_args(Attendance)))


class AttendedSchema(ma.Schema):
    """As noted."""

    appointment_id = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
