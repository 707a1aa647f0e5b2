"""The account of the caller, and writes to it that are done once however often they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from chassis import idempotency
from chassis.auth import principal
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.idempotency import IdempotencyKey
from services.identity import queries
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.desk import desk, keyed_idempotency_key
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db
from services.identity.use_cases.passkeys import Ceremonies
from services.identity.use_cases.reauthenticate import reauthenticate

NOT_STORED = {"Cache-Control": "no-store"}


def own_account() -> str:
    """Id of the caller's account. Who stands in for somebody else does not touch his locks: raises Refusal ``forbidden``."""
    caller = principal()
    if caller.actor is not None and caller.actor.subject != caller.subject:
        raise Refusal("forbidden", "只有账号本人可以办理 / only the account's owner may do this")
    return caller.subject


def own_row() -> Any:
    """The row of the caller's account. Raises Refusal ``account_unknown``, or like ``own_account``."""
    row = queries.account_of(own_account())
    if row is None:
        raise Refusal("account_unknown", "没有这个账号 / there is no such account")
    return row


def require_password(password: Sensitive) -> Any:
    """The caller's account, when the password is right. Raises like ``reauthenticate``.

    Failures are counted for the account only: the address of a request with a token is often the portal's.
    """
    made = desk()
    return reauthenticate(
        made.passwords, made.vault, own_account(), password, machine_now(), address=None, delays=made.door.delays
    )


def ceremonies() -> Ceremonies:
    """Passkey ceremonies of the caller's session."""
    made, caller = desk(), principal()
    return Ceremonies(made.vault, made.door.site, f"{caller.subject}:{caller.session or ''}", machine_now())


def once(write: Callable[[Tx], Any], *, before: Callable[[], None] = lambda: None) -> Any:
    """``write`` in one transaction, or the answer that this Idempotency-Key got before.

    ``before`` is what is too slow for a transaction: checking a password that may, after the first time, be another.
    """
    key = keyed_idempotency_key()
    if answered := _earlier(key):
        return answered
    before()
    return idempotency.once(db, write, key=key)


def _earlier(key: IdempotencyKey) -> Any | None:
    table = db.idempotency
    mine = sa.and_(table.c.actor == key.actor, table.c.key == key.key)
    with db.read() as connection:
        row = connection.execute(sa.select(table).where(mine)).one_or_none()
    if row is not None and row.fingerprint != key.fingerprint:
        raise Refusal(
            "idempotency_key_reused",
            "该 Idempotency-Key 已用于另一请求 / this Idempotency-Key was used with another request",
            key=key.key,
        )
    return None if row is None else row.answer
