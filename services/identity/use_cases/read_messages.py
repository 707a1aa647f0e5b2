"""消息: marked as read by their owner, and forgotten with their party."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.models import (
    accounts,
    delivery_attempts,
    familiar_marks,
    message_cases,
    message_deliveries,
    message_preferences,
    messages,
)


def mark_read(tx: Tx, message_id: str, own: sa.ColumnElement[bool]) -> None:
    """May be repeated. Raises Refusal ``message_unknown`` for one that is not among ``own``."""
    mine = sa.and_(messages.c.message_id == message_id, own)
    if not tx.execute(sa.select(sa.literal(1)).select_from(messages).where(mine)).scalar_one_or_none():
        raise Refusal("message_unknown", "没有这条消息 / there is no such message")
    tx.execute(sa.update(messages).where(mine, messages.c.read_at.is_(None)).values(read_at=tx.now))


def forget_messages(tx: Tx, party_id: str) -> None:
    """Everything that a party was told, with the log of its deliveries."""
    own = sa.select(accounts.c.account_id).where(accounts.c.person_id == party_id)
    told = sa.or_(messages.c.party_id == party_id, messages.c.account_id.in_(own))
    of_party = sa.select(messages.c.message_id).where(told)
    deliveries = sa.select(message_deliveries.c.delivery_id).where(message_deliveries.c.message_id.in_(of_party))
    tx.execute(sa.delete(delivery_attempts).where(delivery_attempts.c.delivery_id.in_(deliveries)))
    tx.execute(sa.delete(message_deliveries).where(message_deliveries.c.message_id.in_(of_party)))
    tx.execute(sa.delete(messages).where(told))
    tx.execute(sa.delete(familiar_marks).where(familiar_marks.c.account_id.in_(own)))
    tx.execute(sa.update(messages).where(messages.c.fallback_party_id == party_id).values(fallback_party_id=None))
    tx.execute(sa.delete(message_cases).where(message_cases.c.party_id == party_id))
    tx.execute(sa.delete(message_preferences).where(message_preferences.c.party_id == party_id))
