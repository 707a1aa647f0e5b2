"""结束会话: somebody's own sign-ins, one or all others. Their refresh tokens are good for nothing from then on."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.models import sessions


def end_session(tx: Tx, account_id: str, session_id: str, now: datetime) -> None:
    """End one; one that has ended already stays as it is. Raises Refusal ``session_unknown``."""
    own = sa.and_(sessions.c.account_id == account_id, sessions.c.session_id == session_id)
    if tx.execute(sa.select(sessions.c.session_id).where(own)).one_or_none() is None:
        raise Refusal("session_unknown", "没有这个会话 / there is no such session")
    tx.execute(sa.update(sessions).where(own, sessions.c.ended_at.is_(None)).values(ended_at=now))


def end_sessions(tx: Tx, account_id: str, now: datetime, *, but: str | None) -> int:
    """End every session of the account but one; how many there were."""
    running = sa.and_(sessions.c.account_id == account_id, sessions.c.ended_at.is_(None))
    others = running if but is None else sa.and_(running, sessions.c.session_id != but)
    return tx.execute(sa.update(sessions).where(others).values(ended_at=now)).rowcount
