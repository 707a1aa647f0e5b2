"""登录: a name and a password become a caller.

This use case opens its own transactions: a failure has to stay counted although the request is refused, and Argon2id
takes far too long to be waited for inside one. The turn is held from the check of the delay until the failure is
written, so that guesses made at the same moment cannot pass the check together.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.vault import Vault
from services.identity.domain.delay import QUIET, wait_after
from services.identity.domain.directory import USERNAME, Caller
from services.identity.domain.scopes import CallerKind
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, sign_in_failures


def sign_in(passwords: Passwords, vault: Vault, username: Sensitive, password: Sensitive, now: datetime) -> Caller:
    """The caller. ``now`` is the machine's time.

    Raises Refusal ``invalid_grant``, ``too_many_attempts`` or ``busy``. A name that does not exist takes the same path.
    """
    index = vault.keyed_hash("username", username)
    with passwords.turn():
        not_before = queries.not_before(index)
        _require_waited(not_before, now)
        account = _account(username.reveal())
        right = passwords.verify(None if account is None else account.password_hash, password)
        if not right:
            with db.transaction() as tx:
                _count_failure(tx, index, now)
        elif not_before is not None:
            with db.transaction() as tx:
                tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.username_index == index))
    if account is None or not right:
        raise Refusal(
            "invalid_grant", "用户名或密码有误 / the username or the password is wrong", error="invalid_grant"
        )
    return Caller(
        subject=account.account_id,
        name=account.name,
        kind=cast("CallerKind", account.kind),
        party=account.party_id,
        department=account.department,
    )


def forget_failures(tx: Tx, now: datetime) -> None:
    """Drop the failures of accounts that have been quiet for long enough."""
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.last_failed_at < now - QUIET))


def _account(username: str) -> Any | None:
    """Text that is no username is not looked for: PostgreSQL would not even take some of it."""
    return queries.find_account(username) if re.fullmatch(USERNAME, username) else None


def _require_waited(not_before: datetime | None, now: datetime) -> None:
    if not_before is None or now >= not_before:
        return
    wait_s = math.ceil((not_before - now) / timedelta(seconds=1))
    raise Refusal(
        "too_many_attempts",
        "密码多次有误，请稍候再试 / too many wrong passwords, wait before the next attempt",
        retry_after_s=wait_s,
    )


def _count_failure(tx: Tx, index: str, now: datetime) -> None:
    insert = postgresql.insert if db.is_postgresql else sqlite.insert
    table = sign_in_failures
    counted = (
        insert(table)
        .values(username_index=index, failures=1, last_failed_at=now, not_before=now)
        .on_conflict_do_update(
            index_elements=[table.c.username_index],
            set_={"failures": table.c.failures + 1, "last_failed_at": now},
        )
        .returning(table.c.failures)
    )
    failures = tx.execute(counted).scalar_one()
    wait = sa.update(table).where(table.c.username_index == index).values(not_before=now + wait_after(failures))
    tx.execute(wait)
