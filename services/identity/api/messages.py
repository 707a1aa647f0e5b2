"""消息: the inbox of a party, or of a department's officers, and what a party wants to be told how."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.db import Tx
from chassis.rights import clause, one_of
from contracts.rights import needs
from services.identity import queries
from services.identity.api.message_schemas import (
    MessageChoiceSchema,
    MessageListSchema,
    MessagePreferencesSchema,
    MessageQuerySchema,
    shown,
)
from services.identity.api.own_account import once
from services.identity.domain.messages import CHANNELS, STATUTORY, TO_PEOPLE, Preferences
from services.identity.models import db, messages
from services.identity.use_cases.choose_messages import choose_messages, preferences_of
from services.identity.use_cases.read_messages import mark_read

MESSAGES = Blueprint("messages", __name__, url_prefix="/api/v1", description="消息 / messages")
READ, CHOOSE = "messages:read", "messages:choose"
_FIELDS = {"party": one_of(messages.c.party_id), "department": one_of(messages.c.department)}


@MESSAGES.get("/messages")
@requires(READ)
@MESSAGES.arguments(MessageQuerySchema, location="query")
@MESSAGES.response(200, MessageListSchema)
def show_messages(query: dict[str, Any]) -> Any:
    """消息: one's own, newest first, with the number of unread ones."""
    rows = queries.messages_of(_own(), limit=query["limit"], before=query["before"])
    return {
        "messages": [shown(row, deliveries) for row, deliveries in rows],
        "unread": queries.unread_messages(_own()),
    }


@MESSAGES.post("/messages/<message_id>/read")
@requires(READ)
@MESSAGES.response(204)
def post_message_read(message_id: str) -> None:
    """标为已读 (Idempotency-Key required)."""

    def read(tx: Tx) -> dict[str, Any]:
        mark_read(tx, message_id, _own())
        return {"read": message_id}

    once(read)


@MESSAGES.get("/message-preferences")
@requires(CHOOSE)
@MESSAGES.response(200, MessagePreferencesSchema)
def show_preferences() -> Any:
    """消息偏好: what is chosen, and what there is to choose from."""
    with db.read() as connection:
        return _preferences(preferences_of(connection, principal().party))


@MESSAGES.put("/message-preferences")
@requires(CHOOSE)
@MESSAGES.arguments(MessageChoiceSchema)
@MESSAGES.response(200, MessagePreferencesSchema)
def put_preferences(body: dict[str, Any]) -> Any:
    """修改消息偏好: the whole choice; notices owed by law keep one channel besides the inbox."""
    chosen = Preferences(body["language"], frozenset(body["off"]), body["quiet_from"], body["quiet_until"])
    with db.transaction() as tx:
        choose_messages(tx, principal().party, chosen)
    return _preferences(chosen)


def _own() -> sa.ColumnElement[bool]:
    return clause(needs(principal(), READ), _FIELDS)


def _preferences(chosen: Preferences) -> dict[str, Any]:
    return {
        "language": chosen.language,
        "off": sorted(chosen.off),
        "quiet_from": chosen.quiet_from,
        "quiet_until": chosen.quiet_until,
        "kinds": TO_PEOPLE,
        "statutory": [kind for kind in TO_PEOPLE if kind in STATUTORY],
        "channels": CHANNELS,
    }
