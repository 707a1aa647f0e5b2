"""Removing second factors: staff keep one, and recovery codes go with the last that they stood in for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.domain.factors import must_have_second
from services.identity.models import accounts, passkeys, recovery_codes, totp_secrets
from services.identity.use_cases.enrol_totp import delete_totp
from services.identity.use_cases.passkeys import delete_passkey


def remove_totp(tx: Tx, account_id: str, setting: str) -> None:
    """Raises Refusal ``totp_unknown``, or ``factor_needed`` for the last one of staff that must have one."""
    account = lock_account(tx, account_id)
    delete_totp(tx, account_id)
    _after_removal(tx, account, setting)


def remove_passkey(tx: Tx, account_id: str, passkey_id: str, setting: str) -> None:
    """Raises Refusal ``passkey_unknown``, or ``factor_needed`` like ``remove_totp``."""
    account = lock_account(tx, account_id)
    delete_passkey(tx, account_id, passkey_id)
    _after_removal(tx, account, setting)


def lock_account(tx: Tx, account_id: str) -> Any:
    """The account's row; its factors are changed by one transaction at a time. Raises Refusal ``account_unknown``."""
    row = tx.execute(sa.select(accounts).where(accounts.c.account_id == account_id).with_for_update()).one_or_none()
    if row is None:
        raise Refusal("account_unknown", "没有这个账号 / there is no such account")
    return row


def strong_factors(tx: Tx, account_id: str) -> int:
    """How many second factors the account has, recovery codes aside."""
    totp = sa.select(sa.func.count()).where(totp_secrets.c.account_id == account_id, totp_secrets.c.sealed.is_not(None))
    keys = sa.select(sa.func.count()).where(passkeys.c.account_id == account_id)
    return int(tx.execute(totp).scalar_one()) + int(tx.execute(keys).scalar_one())


def _after_removal(tx: Tx, account: Any, setting: str) -> None:
    if strong_factors(tx, account.account_id):
        return
    if must_have_second(account.kind, setting):
        raise Refusal(
            "factor_needed", "工作人员至少保留一种第二因素 / staff have to keep one second factor, set up another first"
        )
    tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.account_id == account.account_id))
