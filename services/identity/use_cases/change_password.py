"""修改密码: the old password, a new one that keeps the rules, and every other session ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.passwords import Passwords
from services.identity.domain.password_rules import PasswordRules, Problem
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, db, past_passwords
from services.identity.use_cases.end_sessions import end_sessions
from services.identity.use_cases.tell_owner import tell_owner


def check_new_password(passwords: Passwords, rules: PasswordRules, account: Any, new: Sensitive) -> None:
    """Raises Refusal ``password_unfit`` with ``problems``; ahead of the transaction, for the history costs Argon2id."""
    problems: list[Problem] = list(rules.problems(new.reveal(), account.username))
    if not problems and _used_before(passwords, rules, account, new):
        problems.append("used_before")
    if problems:
        raise Refusal(
            "password_unfit", "新密码不符合要求 / the new password does not meet the rules", problems=problems
        )


def change_password(
    tx: Tx, rules: PasswordRules, account: Any, new_hash: str, now: datetime, *, session_id: str | None
) -> None:
    """Put ``new_hash`` in force and end the sessions other than ``session_id``.

    ``account`` is the row whose password was verified. Raises Refusal ``conflict`` when it was changed meanwhile.
    """
    same = sa.and_(accounts.c.account_id == account.account_id, accounts.c.password_hash == account.password_hash)
    values = {"password_hash": new_hash, "password_set_at": now, "password_temporary": False}
    if tx.execute(sa.update(accounts).where(same).values(values)).rowcount != 1:
        raise Refusal("conflict", "密码刚被修改 / the password was changed meanwhile")
    past = {
        "past_id": str(uuid_utils.uuid7()),
        "account_id": account.account_id,
        "password_hash": account.password_hash,
    }
    tx.insert(past_passwords, [past])
    forgotten = _past(account.account_id).with_only_columns(past_passwords.c.past_id).offset(rules.history - 1)
    old = tx.execute(forgotten).scalars().all()
    tx.execute(sa.delete(past_passwords).where(past_passwords.c.past_id.in_(old)))
    end_sessions(tx, account.account_id, now, but=session_id)
    tell_owner(tx, account.account_id, "密码已修改 / the password was changed")


def _used_before(passwords: Passwords, rules: PasswordRules, account: Any, new: Sensitive) -> bool:
    with db.read() as connection:
        past: Iterable[Any] = connection.execute(_past(account.account_id).limit(rules.history - 1)).all()
    with passwords.turn():
        return any(
            passwords.verify(stored, new) for stored in (account.password_hash, *(p.password_hash for p in past))
        )


def _past(account_id: str) -> sa.Select[Any]:
    """The latest first."""
    return (
        sa.select(past_passwords)
        .where(past_passwords.c.account_id == account_id)
        .order_by(past_passwords.c.past_id.desc())
    )
