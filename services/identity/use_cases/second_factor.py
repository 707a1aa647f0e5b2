"""第二因素: what a sign-in asks of it, after the password. Passkeys, which need no password, are in ``passkeys.py``.

The functions open their own transactions: a failure has to stay counted although the sign-in is refused. Wrong codes count
into the delay of wrong passwords, and only a whole sign-in clears it: whoever knows the password must not get a fresh count
of guesses at the code by giving it again. Guesses at one account take turns, in all processes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from chassis.db import Tx
from services.identity import queries
from services.identity.adapters.metrics import SIGN_INS
from services.identity.adapters.totp import matching_steps
from services.identity.adapters.vault import Vault
from services.identity.domain.delay import Delays
from services.identity.domain.factors import acr_of, amr_of, must_have_second
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, recovery_codes, totp_secrets
from services.identity.use_cases.attempts import Attempt, clear_failures, count_failure, make_attempt, take_turn
from services.identity.use_cases.tell_owner import tell_owner

__all__ = ["acr_of", "amr_of", "factors_of", "must_have_second", "verify_recovery", "verify_totp"]

factors_of = queries.factors_of
DELAYS = Delays()


def verify_totp(
    vault: Vault, account_id: str, code: str, now: datetime, *, address: str | None = None, delays: Delays = DELAYS
) -> bool:
    """Whether ``code`` is one of the account's app, of this step or a neighbour, and of no step up to the last one used.

    ``now`` is the machine's time. Raises Refusal ``too_many_attempts``.
    """
    attempt = _attempt(vault, account_id, now, address, delays)
    return _counted(attempt, lambda tx: _take_totp_step(tx, vault, account_id, code, now))


def verify_recovery(
    vault: Vault, account_id: str, code: str, now: datetime, *, address: str | None = None, delays: Delays = DELAYS
) -> bool:
    """Whether ``code`` is an unused recovery code of the account; it is used now. Raises like ``verify_totp``."""
    attempt = _attempt(vault, account_id, now, address, delays)
    return _counted(attempt, lambda tx: _use_recovery(tx, vault, account_id, code, now))


def _take_totp_step(tx: Tx, vault: Vault, account_id: str, code: str, now: datetime) -> bool:
    """Use up the step of a right code: it and all before it are refused from now on (RFC 6238 §5.2)."""
    table = totp_secrets
    row = tx.execute(sa.select(table).where(table.c.account_id == account_id)).one_or_none()
    if row is None or row.sealed is None:
        return False
    steps = matching_steps(vault.open(totp_owner(account_id), row.sealed), code, now)
    if not steps:
        return False
    unused = sa.and_(table.c.account_id == account_id, table.c.last_step < steps[0])
    return tx.execute(sa.update(table).where(unused).values(last_step=steps[0])).rowcount == 1


def totp_owner(account_id: str) -> str:
    """What the secret is sealed to."""
    return f"totp:{account_id}"


def recovery_index(vault: Vault, account_id: str, code: str) -> str:
    """Keyed hash of a recovery code, however it was typed. 78 random bits need no slow hash."""
    typed = "".join(character for character in code.upper() if character.isalnum())
    return vault.keyed_hash(f"recovery:{account_id}", Sensitive(typed))


def _use_recovery(tx: Tx, vault: Vault, account_id: str, code: str, now: datetime) -> bool:
    table = recovery_codes
    index = recovery_index(vault, account_id, code)
    unused = sa.and_(table.c.account_id == account_id, table.c.code_index == index, table.c.used_at.is_(None))
    used = tx.execute(sa.update(table).where(unused).values(used_at=now)).rowcount == 1
    if used:
        tell_owner(tx, account_id, "一个恢复码已被使用 / a recovery code was used")
    return used


def _attempt(vault: Vault, account_id: str, now: datetime, address: str | None, delays: Delays) -> Attempt:
    account = queries.account_of(account_id)
    assert account is not None, "its password was right a moment ago"
    return make_attempt(vault, Sensitive(account.username), now, address, delays)


def _counted(attempt: Attempt, check: Callable[[Tx], bool]) -> bool:
    with db.transaction() as tx:
        take_turn(tx, attempt)
        right = check(tx)
        (clear_failures if right else count_failure)(tx, attempt)
    if not right:
        SIGN_INS.labels("second_factor", "failed").inc()
    return right
