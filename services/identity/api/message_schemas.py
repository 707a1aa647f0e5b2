"""What comes in and goes out of the routes of messages."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from services.identity.adapters.message_templates import inbox
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
    case_no = ma.fields.String(required=True, allow_none=True)
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


class NoticeSchema(MessageSchema):
    """A security notice in both languages; it is about no case."""

    class Meta:
        """What notices have not."""

        exclude = ("case_no",)


class NoticeListSchema(ma.Schema):
    """Newest first. ``unread`` counts all, not only those of the page."""

    notices = ma.fields.List(ma.fields.Nested(NoticeSchema), required=True)
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


def shown(row: Any, deliveries: list[Any]) -> dict[str, Any]:
    """A row of ``messages`` as it is read, in both languages."""
    zh, en = inbox(row.kind, "zh", row.facts), inbox(row.kind, "en", row.facts)
    return {
        "message_id": row.message_id, "kind": row.kind, "case_no": row.case_no,
        "title": zh.title, "title_en": en.title, "body": zh.body, "body_en": en.body,
        "created_at": row.created_at, "read_at": row.read_at, "deliveries": deliveries,
    }  # fmt: skip
