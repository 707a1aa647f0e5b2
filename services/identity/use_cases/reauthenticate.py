"""再次验证: before the locks of an account are changed, its owner says the password once more.

So a session that somebody left open, or a stolen token, is not enough to put one's own lock on another's account.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.vault import Vault
from services.identity.domain.delay import Delays
from services.identity.domain.sensitive import Sensitive
from services.identity.use_cases.attempts import make_attempt
from services.identity.use_cases.sign_in import password_is_right


def reauthenticate(
    passwords: Passwords,
    vault: Vault,
    account_id: str,
    password: Sensitive,
    now: datetime,
    *,
    address: str | None,
    delays: Delays,
) -> Any:
    """The account's row. Raises Refusal ``password_wrong``, ``too_many_attempts``, ``busy`` or ``account_unknown``."""
    account = queries.account_of(account_id)
    if account is None:
        raise Refusal("account_unknown", "没有这个账号 / there is no such account")
    attempt = make_attempt(vault, Sensitive(account.username), now, address, delays)
    if not password_is_right(passwords, attempt, account, password):
        raise Refusal("password_wrong", "密码有误 / the password is wrong")
    return account
