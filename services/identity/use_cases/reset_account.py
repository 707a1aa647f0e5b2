"""重置账号: whoever has lost the password and every second factor begins anew, with a password for one sign-in."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from services.identity.models import accounts, passkeys, past_passwords, recovery_codes, totp_secrets
from services.identity.use_cases.end_sessions import end_sessions
from services.identity.use_cases.removal import lock_account
from services.identity.use_cases.tell_act import tell_act
from services.identity.use_cases.tell_owner import tell_owner


def reset_account(tx: Tx, account_id: str, password_hash: str, now: datetime, *, by: str) -> None:
    """Its factors are gone and its sessions end; the old password may not be chosen again. Raises ``account_unknown``."""
    account = lock_account(tx, account_id)
    for table in (totp_secrets, passkeys, recovery_codes):
        tx.execute(sa.delete(table).where(table.c.account_id == account_id))
    past = {"past_id": str(uuid_utils.uuid7()), "account_id": account_id, "password_hash": account.password_hash}
    tx.insert(past_passwords, [past])
    values = {"password_hash": password_hash, "password_set_at": now, "password_temporary": True}
    tx.execute(sa.update(accounts).where(accounts.c.account_id == account_id).values(values))
    end_sessions(tx, account_id, now, but=None)
    tell_act(tx, "account.reset", by=by, on=account_id)
    what = "管理员重置了密码和第二因素 / an administrator has reset the password and the second factors"
    tell_owner(tx, account_id, what)
