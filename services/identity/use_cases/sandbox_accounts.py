"""沙箱测试账号: people who do not exist, for trying a sign-in. They belong to one app, and may do nothing."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.vault import Vault
from services.identity.domain.developer_apps import MOST_ACCOUNTS, SANDBOX_ACCOUNT, may_sign_in
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, db, sandbox_accounts
from services.identity.use_cases.developer_apps import locked_app

NAMES = ("测试甲", "测试乙", "测试丙", "测试丁", "测试戊")


def new_username() -> str:
    """Nobody's."""
    return f"test-{secrets.token_hex(8)}"


def password_of(vault: Vault, username: str) -> Sensitive:
    """Follows from the data key, so that opening an account again gives the same password although no table holds it."""
    return Sensitive(f"Sandbox-{vault.keyed_hash('sandbox_password', Sensitive(username))[:24]}")


def open_sandbox_account(tx: Tx, app_id: str, username: str, password_hash: str, now: datetime) -> dict[str, str]:
    """``account_id``, ``username`` and ``name``. Raises Refusal ``app_unknown`` or ``too_many_accounts``."""
    locked_app(tx, app_id)
    mine = sa.select(sa.func.count()).select_from(sandbox_accounts).where(sandbox_accounts.c.app_id == app_id)
    number = tx.execute(mine).scalar_one()
    if number >= MOST_ACCOUNTS:
        raise Refusal(
            "too_many_accounts",
            f"每个应用最多{MOST_ACCOUNTS}个测试账号 / at most {MOST_ACCOUNTS} test accounts",
            most=MOST_ACCOUNTS,
        )
    account_id = str(uuid_utils.uuid7())
    row = {
        "account_id": account_id,
        "username": username,
        "kind": SANDBOX_ACCOUNT,
        "name": NAMES[number],
        "password_hash": password_hash,
        "opened_at": now,
        "password_set_at": now,
        "password_temporary": False,
    }
    tx.insert(accounts, [row])
    tx.insert(sandbox_accounts, [{"account_id": account_id, "app_id": app_id}])
    return {"account_id": account_id, "username": username, "name": NAMES[number]}


def fits_client(client_id: str, account_id: str, kind: str) -> bool:
    """Whether the account may sign in to this client: test accounts to their own sandbox, nobody else to any sandbox."""
    if kind != SANDBOX_ACCOUNT:
        return may_sign_in(client_id, None)
    query = sa.select(sandbox_accounts.c.app_id).where(sandbox_accounts.c.account_id == account_id)
    with db.read() as connection:
        return may_sign_in(client_id, connection.execute(query).scalar_one_or_none() or "")
