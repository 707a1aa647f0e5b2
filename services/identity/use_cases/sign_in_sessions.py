"""登录会话: one sign-in at the provider, for every client. The cookie is the secret; only its hash is stored.

The value of the cookie is new after every sign-in, so that a value known from before it is good for nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from services.identity import queries
from services.identity.adapters.metrics import SIGN_INS
from services.identity.adapters.vault import Vault
from services.identity.domain.oauth import session_over
from services.identity.domain.outside import FLOW_LIFE
from services.identity.domain.scopes import STAFF
from services.identity.domain.sensitive import Sensitive
from services.identity.models import grants, logout_notices, outside_flows, refresh_tokens, sessions, used_once
from services.identity.use_cases.end_sessions import end_whole_session
from services.identity.use_cases.tell_owner import note_sign_in

SEEN_EVERY = timedelta(seconds=30)
KEPT = timedelta(days=30)
"""How long an ended session can still be seen by its owner."""


@dataclass(frozen=True)
class Visit:
    """Where somebody signs in from: client, network address and browser."""

    client_id: str | None
    address: str
    agent: str


def find_open_session(vault: Vault, cookie: str | None, staff_idle: timedelta, now: datetime) -> Any | None:
    """The session that ``cookie`` opens, or None."""
    if not cookie:
        return None
    row = queries.find_session(_cookie_hash(vault, cookie))
    return row if row is not None and is_open(row, staff_idle, now) else None


def is_open(session: Any, staff_idle: timedelta, now: datetime) -> bool:
    """Whether a session, with its account's ``kind``, goes on."""
    return not session_over(
        ended_at=session.ended_at,
        auth_time=session.auth_time,
        last_seen=session.last_seen,
        idle=staff_idle if session.kind in STAFF else None,
        now=now,
    )


def start_session(
    tx: Tx,
    vault: Vault,
    *,
    account_id: str,
    amr: Sequence[str],
    visit: Visit,
    earlier: Any | None,
    now: datetime,
    outside: str | None = None,
    level_cap: int | None = None,
) -> tuple[str, str]:
    """Session id and new cookie. ``earlier`` is the browser's open session: renewed for the same account, else ended.

    ``outside`` is the provider that let the person in, ``level_cap`` the assurance level that it may speak for.
    """
    note_sign_in(tx, vault, account_id, address=visit.address, agent=visit.agent, now=now)
    way = "outside" if outside else "password" if "pwd" in amr else "passkey"
    tx.on_commit.append(SIGN_INS.labels(way, "ok").inc)
    cookie = secrets.token_urlsafe(32)
    fresh = {
        "cookie_hash": _cookie_hash(vault, cookie),
        "amr": list(amr),
        "auth_time": now,
        "last_seen": now,
        "address": visit.address[:64],
        "agent": visit.agent[:300],
        "outside": outside,
        "level_cap": level_cap,
    }
    if earlier is not None and earlier.account_id == account_id:
        running = sa.and_(sessions.c.session_id == earlier.session_id, sessions.c.ended_at.is_(None))
        if tx.execute(sa.update(sessions).where(running).values(fresh)).rowcount:
            return str(earlier.session_id), cookie
    elif earlier is not None:
        end_whole_session(tx, earlier.session_id, now)
    session_id = secrets.token_urlsafe(16)
    tx.insert(sessions, [fresh | {"session_id": session_id, "account_id": account_id, "client_id": visit.client_id}])
    return session_id, cookie


def note_seen(tx: Tx, session: Any, now: datetime) -> None:
    """Its owner does something; written at most every half minute."""
    if now - session.last_seen >= SEEN_EVERY:
        tx.execute(sa.update(sessions).where(sessions.c.session_id == session.session_id).values(last_seen=now))


def forget_sessions(tx: Tx, now: datetime) -> None:
    """Drop what ended long ago: sessions with their grants, and what was taken once and would be refused anyway."""
    old = sa.select(sessions.c.session_id).where(sessions.c.auth_time < now - KEPT)
    grants_of_old = sa.select(grants.c.grant_id).where(grants.c.session_id.in_(old))
    tx.execute(sa.delete(refresh_tokens).where(refresh_tokens.c.grant_id.in_(grants_of_old)))
    tx.execute(sa.delete(grants).where(grants.c.session_id.in_(old)))
    tx.execute(sa.delete(sessions).where(sessions.c.auth_time < now - KEPT))
    tx.execute(sa.delete(used_once).where(used_once.c.expires_at < now))
    tx.execute(sa.delete(logout_notices).where(logout_notices.c.ended_at < now - KEPT))
    tx.execute(sa.delete(outside_flows).where(outside_flows.c.begun_at < now - FLOW_LIFE))


def _cookie_hash(vault: Vault, cookie: str) -> str:
    return vault.keyed_hash("session_cookie", Sensitive(cookie))
