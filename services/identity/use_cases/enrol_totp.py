"""动态口令 TOTP: enrolled, confirmed with a first code, removed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.totp import matching_steps, new_secret
from services.identity.adapters.vault import Vault
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, totp_secrets
from services.identity.use_cases.attempts import Attempt, clear_failures, count_failure, take_turn
from services.identity.use_cases.second_factor import totp_owner
from services.identity.use_cases.tell_owner import tell_owner

NEVER = -1


def begin_totp(tx: Tx, vault: Vault, account_id: str) -> Sensitive:
    """A fresh secret that waits for its confirmation; one in force stays so until then. Asked again, there is another."""
    secret, insert = new_secret(), postgresql.insert if db.is_postgresql else sqlite.insert
    pending = vault.seal(totp_owner(account_id), secret)
    row = {"account_id": account_id, "pending": pending, "last_step": NEVER}
    statement: Any = insert(totp_secrets).values(row)
    tx.execute(statement.on_conflict_do_update(index_elements=[totp_secrets.c.account_id], set_={"pending": pending}))
    return secret


def confirm_totp(vault: Vault, account_id: str, code: str, attempt: Attempt) -> None:
    """The secret is in force from now on; the code is used up with it.

    A wrong code is counted, so this use case opens its own transaction. Raises Refusal ``totp_not_begun``, ``code_wrong``
    or ``too_many_attempts``.
    """
    with db.transaction() as tx:
        take_turn(tx, attempt)
        if confirmed := _confirm(tx, vault, account_id, code, attempt.now):
            clear_failures(tx, attempt)
        else:
            count_failure(tx, attempt)
    if not confirmed:
        raise Refusal("code_wrong", "验证码有误 / the code is wrong")


def delete_totp(tx: Tx, account_id: str) -> None:
    """Raises Refusal ``totp_unknown`` when none is in force."""
    table = totp_secrets
    mine = sa.and_(table.c.account_id == account_id, table.c.sealed.is_not(None))
    if tx.execute(sa.delete(table).where(mine)).rowcount != 1:
        raise Refusal("totp_unknown", "没有设置动态口令 / no authenticator app is set up")
    tell_owner(tx, account_id, "已移除动态口令 / the authenticator app was removed")


def _confirm(tx: Tx, vault: Vault, account_id: str, code: str, now: datetime) -> bool:
    table = totp_secrets
    row = tx.execute(sa.select(table).where(table.c.account_id == account_id).with_for_update()).one_or_none()
    if row is None or row.pending is None:
        raise Refusal("totp_not_begun", "请先开始设置动态口令 / begin to set up the authenticator app first")
    steps = matching_steps(vault.open(totp_owner(account_id), row.pending), code, now)
    if not steps:
        return False
    values = {"sealed": row.pending, "pending": None, "confirmed_at": now, "last_step": steps[0]}
    tx.execute(sa.update(table).where(table.c.account_id == account_id).values(values))
    tell_owner(tx, account_id, "已启用动态口令 / an authenticator app was set up")
    return True
