"""安全提醒: what the owner of an account was told of its locks and sign-ins. Whoever stands in for somebody never sees it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask_smorest import Blueprint

from chassis.auth import requires
from chassis.db import Tx
from services.identity import queries
from services.identity.api.message_schemas import MessageQuerySchema, NoticeListSchema, shown
from services.identity.api.own_account import once, own_account
from services.identity.domain.scopes import OWN_ACCOUNT
from services.identity.models import messages
from services.identity.use_cases.read_messages import mark_read

NOTICES = Blueprint(
    "notices", __name__, url_prefix="/api/v1/account/notices", description="安全提醒 / security notices"
)


@NOTICES.get("")
@requires(OWN_ACCOUNT)
@NOTICES.arguments(MessageQuerySchema, location="query")
@NOTICES.response(200, NoticeListSchema)
def show_notices(query: dict[str, Any]) -> dict[str, Any]:
    """安全提醒: newest first, with the number of unread ones."""
    rows = queries.messages_of(_own(), limit=query["limit"], before=query["before"])
    return {"notices": [shown(row, deliveries) for row, deliveries in rows], "unread": queries.unread_messages(_own())}


@NOTICES.post("/<message_id>/read")
@requires(OWN_ACCOUNT)
@NOTICES.response(204)
def post_read(message_id: str) -> None:
    """标为已读 (Idempotency-Key required)."""

    def read(tx: Tx) -> dict[str, Any]:
        mark_read(tx, message_id, _own())
        return {"read": message_id}

    once(read)


def _own() -> sa.ColumnElement[bool]:
    return messages.c.account_id == own_account()
