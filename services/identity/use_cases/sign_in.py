"""登录: a name and a password become a caller.

This use case opens its own transactions: a failure has to stay counted although the request is refused, and Argon2id
takes far too long to be waited for inside one. The turn is held from the check of the delay until the failure is
written, so that guesses made at the same moment cannot pass the check together.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.metrics import SIGN_INS
from services.identity.adapters.passwords import NO_PASSWORD, Passwords
from services.identity.adapters.vault import Vault
from services.identity.domain.delay import Delays
from services.identity.domain.directory import USERNAME, Caller
from services.identity.domain.password_rules import PasswordRules
from services.identity.domain.scopes import OWN_ACCOUNT
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db
from services.identity.use_cases.attempts import Attempt, clear_failures, count_failure, make_attempt, require_waited
from services.identity.use_cases.describe_account import describe_account

DELAYS = Delays()
RULES = PasswordRules()


def sign_in(
    passwords: Passwords,
    vault: Vault,
    username: Sensitive,
    password: Sensitive,
    now: datetime,
    *,
    address: str | None = None,
    delays: Delays = DELAYS,
    rules: PasswordRules = RULES,
) -> Caller:
    """The caller. ``now`` is the machine's time; ``address`` is where the request came from.

    A password that has to be changed first lets its owner do that and nothing else. Raises Refusal ``invalid_grant``,
    ``account_suspended``, ``too_many_attempts`` or ``busy``. A name that does not exist takes the same path.
    """
    attempt = make_attempt(vault, username, now, address, delays)
    account = _account(username.reveal())
    if not password_is_right(passwords, attempt, account, password) or account is None:
        raise Refusal(
            "invalid_grant", "用户名或密码有误 / the username or the password is wrong", error="invalid_grant"
        )
    require_active(account)
    return signed_in_as(account, now, rules)


def require_active(account: Any) -> None:
    """For an ``account`` whose owner has just been proven: nobody else learns its state. Raises Refusal ``account_suspended``."""
    if account.state != "active":
        raise Refusal(
            "account_suspended",
            "账号已停用，请联系管理员 / the account is suspended, ask an administrator",
            state=account.state,
        )


def signed_in_as(account: Any, now: datetime, rules: PasswordRules = RULES) -> Caller:
    """What tokens say of an account's row."""
    has_password = account.password_hash != NO_PASSWORD
    change_first = has_password and (account.password_temporary or rules.expired(account.password_set_at, now))
    caller = describe_account(account)
    return replace(caller, scope=OWN_ACCOUNT) if change_first else caller


def password_is_right(passwords: Passwords, attempt: Attempt, account: Any | None, password: Sensitive) -> bool:
    """Whether it is ``account``'s. Counts, and delays like, every attempt; raises Refusal ``too_many_attempts`` or ``busy``.

    Failures are forgotten by a whole sign-in only: of an account with a second factor, when that was right as well.
    """
    with passwords.turn():
        failed_before = require_waited(attempt)
        right = passwords.verify(None if account is None else account.password_hash, password)
        if not right:
            SIGN_INS.labels("password", "failed").inc()
            with db.transaction() as tx:
                count_failure(tx, attempt)
        elif failed_before and account is not None and not queries.factors_of(account.account_id):
            with db.transaction() as tx:
                clear_failures(tx, attempt)
    return right


def _account(username: str) -> Any | None:
    """Text that is no username is not looked for: PostgreSQL would not even take some of it."""
    return queries.find_account(username) if re.fullmatch(USERNAME, username) else None
