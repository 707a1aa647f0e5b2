"""后台退出: clients with a back-channel address are told that a session has ended. Rows are claimed in one transaction, sent
outside any, and the outcome is written in another; a process that dies in between leaves its claim to run out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog
import uuid_utils

from chassis.db import Tx
from services.identity.adapters.key_ring import VAULT
from services.identity.adapters.logout_sender import LOGOUT_SENDER, LogoutSender
from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.outside_web import OutsideAway
from services.identity.domain.logout import is_final, is_taken, logout_claims, next_try
from services.identity.models import db, logout_notices
from services.identity.use_cases.grant_tokens import subject_for
from services.identity.use_cases.oauth_clients import find_client

BATCH, SENDERS = 32, 8
CLAIM = timedelta(minutes=2)
"""Longer than a batch can take with every client at its time limit."""
log = structlog.get_logger()


def notify_due() -> int:
    """Claim and send one batch; returns how many were claimed."""
    with db.transaction() as tx:
        claimed = _claim(tx)
    if claimed:
        with ThreadPoolExecutor(SENDERS, "logout") as pool:
            list(pool.map(partial(_notify, LOGOUT_SENDER.get()), claimed))
    return len(claimed)


def _claim(tx: Tx) -> Sequence[Any]:
    n, now = logout_notices.c, machine_now()
    due = sa.select(logout_notices).where(n.due_at <= now).order_by(n.due_at).limit(BATCH)
    claimed = tx.execute(due.with_for_update(skip_locked=True)).fetchall()
    for row in claimed:
        mine = n.notice_id == row.notice_id
        tx.execute(sa.update(logout_notices).where(mine).values(tries=row.tries + 1, due_at=now + CLAIM))
    return claimed


def _notify(sender: LogoutSender, row: Any) -> None:
    """One try, whatever comes of it."""
    client = find_client(row.client_id, sender.public_url)
    if client is None or client.backchannel_logout_uri is None:
        _end(row, problem="client_gone", again=False)
        return
    claims = logout_claims(
        issuer=sender.tokens.issuer,
        client_id=client.client_id,
        subject=subject_for(VAULT.get(), client, row.account_id),
        session_id=row.session_id,
        token_id=str(uuid_utils.uuid4()),
        now_s=int(time.time()),
    )
    try:
        status = sender.send(client.backchannel_logout_uri, claims)
    except OutsideAway as away:
        _end(row, problem=str(away), again=True)
        return
    _end(row, problem=None if is_taken(status) else f"status {status}", again=not is_final(status))


def _end(row: Any, *, problem: str | None, again: bool) -> None:
    tries, now = row.tries + 1, machine_now()
    due_at = next_try(tries, now) if problem is not None and again else None
    # A claim that ran out meanwhile is another's by now.
    mine = sa.and_(logout_notices.c.notice_id == row.notice_id, logout_notices.c.tries == tries)
    values = {
        "due_at": due_at,
        "delivered_at": now if problem is None else None,
        "problem": None if problem is None else problem[:200],
    }
    with db.transaction() as tx:
        tx.execute(sa.update(logout_notices).where(mine).values(**values))
    if problem is not None and due_at is None:
        log.warning("logout_notice_given_up", client=row.client_id, tries=tries, problem=problem)
