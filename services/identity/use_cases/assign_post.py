"""任职: a member of staff gets a post (岗位) in a department, from a day, to a day or until further notice."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.models import accounts, posts
from services.identity.use_cases.open_account import require_department


def assign_post(
    tx: Tx, account_id: str, *, code: str, name: str, department: str, from_on: date, until_on: date | None
) -> None:
    """Again with another last day: the post ends then. Raises Refusal ``account_unknown``, ``department_unknown``,
    ``post_invalid``.
    """
    account = tx.execute(sa.select(accounts).where(accounts.c.account_id == account_id).with_for_update()).one_or_none()
    if account is None or account.person_id is not None:
        raise Refusal("account_unknown", "没有这个工作人员账号 / there is no such account of staff")
    require_department(tx, department)
    if account.department not in (None, department):
        raise Refusal("post_invalid", "岗位须在本人所属部门 / the post has to be in the officer's department")
    if until_on is not None and until_on < from_on:
        raise Refusal("post_invalid", "任职止期早于起期 / the post ends before it begins")
    row = {
        "account_id": account_id,
        "code": code,
        "from_on": from_on,
        "name": name,
        "department": department,
        "until_on": until_on,
    }
    if not tx.insert_new(posts, [row], [posts.c.code]):
        tx.update(posts, ["account_id", "code", "from_on"], [row])
