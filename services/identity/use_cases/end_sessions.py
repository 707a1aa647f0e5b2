"""结束会话: a sign-in is over, and with it whatever its clients were granted. Clients that want to know are told later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.domain.oauth import SESSION_LIFE
from services.identity.models import grants, logout_notices, relying_parties, sessions


def end_session(tx: Tx, account_id: str, session_id: str, now: datetime) -> None:
    """End one of the account's; one that has ended already stays as it is. Raises Refusal ``session_unknown``."""
    own = sa.and_(sessions.c.account_id == account_id, sessions.c.session_id == session_id)
    if tx.execute(sa.select(sessions.c.session_id).where(own)).one_or_none() is None:
        raise Refusal("session_unknown", "没有这个会话 / there is no such session")
    end_sessions_where(tx, own, now)


def end_sessions(tx: Tx, account_id: str, now: datetime, *, but: str | None) -> int:
    """End every session of the account but one; how many there were."""
    own = sessions.c.account_id == account_id
    return end_sessions_where(tx, own if but is None else sa.and_(own, sessions.c.session_id != but), now)


def end_whole_session(tx: Tx, session_id: str, now: datetime) -> None:
    """End this one."""
    end_sessions_where(tx, sessions.c.session_id == session_id, now)


def end_overdue_sessions(tx: Tx, now: datetime) -> int:
    """End those that have reached their greatest age; how many there were."""
    return end_sessions_where(tx, sessions.c.auth_time <= now - SESSION_LIFE, now)


def end_sessions_where(tx: Tx, which: sa.ColumnElement[bool], now: datetime) -> int:
    """End the running ones among them; how many there were. The only place where a session ends."""
    running = sa.select(sessions.c.session_id).where(which, sessions.c.ended_at.is_(None)).with_for_update()
    ended = tx.execute(running).scalars().all()
    if not ended:
        return 0
    tx.execute(sa.update(sessions).where(sessions.c.session_id.in_(ended)).values(ended_at=now))
    _note_for_clients(tx, ended, now)
    open_grants = sa.and_(grants.c.session_id.in_(ended), grants.c.ended_at.is_(None))
    tx.execute(sa.update(grants).where(open_grants).values(ended_at=now))
    return len(ended)


def _note_for_clients(tx: Tx, ended: Sequence[str], now: datetime) -> None:
    """One notice for each client with a back-channel address that has had tokens of the session."""
    joined = sa.join(grants, relying_parties, grants.c.client_id == relying_parties.c.client_id)
    told = (
        sa.select(grants.c.client_id, grants.c.session_id, grants.c.account_id)
        .select_from(joined)
        .where(
            grants.c.session_id.in_(ended),
            grants.c.redeemed_at.is_not(None),
            relying_parties.c.backchannel_logout_uri.is_not(None),
        )
        .distinct()
    )
    rows = [
        {
            "notice_id": str(uuid_utils.uuid7()),
            "client_id": row.client_id,
            "session_id": row.session_id,
            "account_id": row.account_id,
            "ended_at": now,
            "tries": 0,
            "due_at": now,
        }
        for row in tx.execute(told)
    ]
    if rows:
        tx.insert(logout_notices, rows)
