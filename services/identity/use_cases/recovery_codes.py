"""恢复码: ten codes on paper, for the day on which the telephone is lost. Each is good once; new ones replace the old."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.vault import Vault
from services.identity.models import recovery_codes
from services.identity.use_cases.removal import lock_account, strong_factors
from services.identity.use_cases.second_factor import recovery_index
from services.identity.use_cases.tell_owner import tell_owner

COUNT = 10
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ23"
"""Thirty that nobody mixes up, two of them twice: 4.9 bits each, 78 a code."""
_LENGTH, _GROUP = 16, 4


def make_recovery_codes(tx: Tx, vault: Vault, account_id: str, now: datetime) -> list[str]:
    """The codes, to be shown once. Raises Refusal ``factor_missing`` for an account without another second factor."""
    lock_account(tx, account_id)
    if not strong_factors(tx, account_id):
        raise Refusal("factor_missing", "请先设置动态口令或通行密钥 / set up an authenticator app or a passkey first")
    codes = [_code() for _ in range(COUNT)]
    tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.account_id == account_id))
    rows = [
        {
            "account_id": account_id,
            "code_index": recovery_index(vault, account_id, code),
            "made_at": now,
            "used_at": None,
        }
        for code in codes
    ]
    tx.insert(recovery_codes, rows)
    tell_owner(tx, account_id, "已生成新的恢复码 / new recovery codes were made")
    return codes


def _code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(_LENGTH))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))
