"""消息偏好: which messages a party wants over which channel, in which language, and when not."""

from __future__ import annotations

from datetime import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.domain.messages import SWITCHES, Preferences, silenced
from services.identity.models import db, message_preferences


def preferences_of(reader: Connection | Tx, party_id: str) -> Preferences:
    """Of a party; the defaults while it has chosen nothing."""
    mine = sa.select(message_preferences).where(message_preferences.c.party_id == party_id)
    row = reader.execute(mine).one_or_none()
    if row is None:
        return Preferences()
    return Preferences(row.language, frozenset(row.off), _time(row.quiet_from), _time(row.quiet_until))


def choose_messages(tx: Tx, party_id: str, preferences: Preferences) -> None:
    """Raises Refusal ``message_choice_invalid`` or ``statutory_notice_required``."""
    if unknown := preferences.off - SWITCHES:
        raise Refusal("message_choice_invalid", f"没有这个选项 / there is no such choice: {', '.join(sorted(unknown))}")
    if (preferences.quiet_from is None) != (preferences.quiet_until is None):
        raise Refusal("message_choice_invalid", "免打扰须有起止时间 / quiet hours need a beginning and an end")
    if kinds := silenced(preferences):
        raise Refusal(
            "statutory_notice_required",
            "法定通知不能全部关闭，请至少保留短信或邮件之一 / notices owed by law cannot be switched off entirely",
            kinds=kinds,
        )
    values: dict[str, Any] = {
        "language": preferences.language,
        "off": sorted(preferences.off),
        "quiet_from": _text(preferences.quiet_from),
        "quiet_until": _text(preferences.quiet_until),
        "changed_at": tx.now,
    }
    insert = postgresql.insert if db.is_postgresql else sqlite.insert
    new = insert(message_preferences).values(party_id=party_id, **values)
    tx.execute(new.on_conflict_do_update(index_elements=[message_preferences.c.party_id], set_=values))


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


def _text(moment: time | None) -> str | None:
    return None if moment is None else moment.strftime("%H:%M")
