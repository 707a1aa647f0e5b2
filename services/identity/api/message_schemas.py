"""What comes in and goes out of the routes of messages."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from services.identity.domain.messages import LANGUAGES

MOST_AT_ONCE = 100


class MessageQuerySchema(ma.Schema):
    """A page of messages. ``before`` is the last ``message_id`` of the page before."""

    limit = ma.fields.Integer(load_default=50, validate=Range(min=1, max=MOST_AT_ONCE))
    before = ma.fields.String(load_default=None, validate=Length(max=36))


class DeliverySchema(ma.Schema):
    """Over one channel. ``state``: waiting, sent, failed, no_contact."""

    channel = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    attempts = ma.fields.Integer(required=True)
    due_at = ma.fields.AwareDateTime(required=True, metadata={"description": "next attempt, or when the last ended"})


class MessageSchema(ma.Schema):
    """A message in both languages."""

    message_id = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    case_no = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    title_en = ma.fields.String(required=True)
    body = ma.fields.String(required=True)
    body_en = ma.fields.String(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    read_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    deliveries = ma.fields.List(ma.fields.Nested(DeliverySchema), required=True)


class MessageListSchema(ma.Schema):
    """Newest first. ``unread`` counts all, not only those of the page."""

    messages = ma.fields.List(ma.fields.Nested(MessageSchema), required=True)
    unread = ma.fields.Integer(required=True)


class MessageChoiceSchema(ma.Schema):
    """``off`` lists ``kind.channel`` that are switched off; quiet hours are HH:MM in Asia/Shanghai, or both null."""

    language = ma.fields.String(required=True, validate=OneOf(LANGUAGES))
    off = ma.fields.List(ma.fields.String(validate=Length(max=40)), required=True, validate=Length(max=40))
    quiet_from = ma.fields.Time(format="%H:%M", required=True, allow_none=True)
    quiet_until = ma.fields.Time(format="%H:%M", required=True, allow_none=True)


class MessagePreferencesSchema(MessageChoiceSchema):
    """The choice, and what there is to choose from."""

    kinds = ma.fields.List(ma.fields.String(), required=True)
    statutory = ma.fields.List(ma.fields.String(), required=True)
    channels = ma.fields.List(ma.fields.String(), required=True)
