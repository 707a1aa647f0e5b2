"""开户: someone gets a name to sign in with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.rights import ADMINISTRATORS
from services.identity.adapters.machine_clock import machine_now
from services.identity.domain.directory import Account, account_problem
from services.identity.models import accounts, departments, parties
from services.identity.use_cases.tell_act import tell_act


def open_account(tx: Tx, account: Account, password_hash: str, *, by: str) -> str:
    """The new account's id; its password is good for one sign-in, to choose another.

    Raises Refusal ``account_invalid``, ``party_unknown``, ``department_unknown``, ``account_exists``.
    """
    account_id = add_account(tx, account, password_hash, password_set_at=machine_now(), temporary=True, by=by)
    if account_id is None:
        raise Refusal("account_exists", "用户名已被使用 / the username is taken")
    return account_id


def add_account(
    tx: Tx, account: Account, password_hash: str, *, password_set_at: datetime, temporary: bool, by: str
) -> str | None:
    """Open it if the username is free. ``temporary``: the password has to be changed first. Refuses like ``open_account``."""
    if problem := account_problem(account):
        raise Refusal("account_invalid", problem)
    if account.department is not None:
        require_department(tx, account.department)
    name, party_id = (account.name, None) if account.person_id is None else _person_and_party(tx, account)
    row: dict[str, Any] = {
        "account_id": str(uuid_utils.uuid7()),
        "username": account.username,
        "kind": account.kind,
        "name": name,
        "person_id": account.person_id,
        "party_id": party_id,
        "department": account.department,
        "password_hash": password_hash,
        "opened_at": tx.now,
        "password_set_at": password_set_at,
        "password_temporary": temporary,
        "administered_as": account.kind if account.kind in ADMINISTRATORS else None,
    }
    if not tx.insert_new(accounts, [row], [accounts.c.account_id]):
        return None
    tell_act(tx, "account.opened", by=by, on=row["account_id"], after=account.kind)
    return str(row["account_id"])


def require_department(tx: Tx, code: str) -> None:
    """Raises Refusal ``department_unknown``."""
    if tx.execute(sa.select(departments.c.code).where(departments.c.code == code)).one_or_none() is None:
        raise Refusal("department_unknown", "没有这个部门 / there is no such department", department=code)


def _person_and_party(tx: Tx, account: Account) -> tuple[str, str]:
    """The person's name, and the party that the account acts for: an organisation, or by default the person."""
    person = _party(tx, account.person_id)
    if person.kind != "person":
        raise Refusal("account_invalid", "账号本人须为自然人 / the one who signs in has to be a natural person")
    acted_for = person if account.party_id is None else _party(tx, account.party_id)
    if acted_for.kind == "person" and acted_for.party_id != person.party_id:
        raise Refusal("account_invalid", "账号只能代表本人或组织 / an account acts for its person or an organisation")
    return person.name, acted_for.party_id


def _party(tx: Tx, party_id: str | None) -> Any:
    row = tx.execute(sa.select(parties).where(parties.c.party_id == party_id)).one_or_none()
    if row is None:
        raise Refusal("party_unknown", "没有这个当事人 / there is no such party", party_id=party_id)
    return row
