"""任职: a member of staff gets a post (岗位) in a department, from a day, to a day or until further notice."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.models import accounts, posts
from services.identity.use_cases.open_account import require_department
from services.identity.use_cases.tell_act import tell_act


def assign_post(
    tx: Tx, account_id: str, *, by: str, code: str, name: str, department: str, from_on: date, until_on: date | None
) -> None:
    """Again with another last day: the post ends then. Nobody gives himself one. Raises Refusal ``account_unknown``,
    ``department_unknown``, ``post_invalid``, ``forbidden``, ``account_ended``.
    """
    if account_id == by:
        raise Refusal("forbidden", "不能变更自己的岗位 / nobody changes the own posts")
    account = tx.execute(sa.select(accounts).where(accounts.c.account_id == account_id).with_for_update()).one_or_none()
    if account is None or account.person_id is not None:
        raise Refusal("account_unknown", "没有这个工作人员账号 / there is no such account of staff")
    if account.state == "closed":
        raise Refusal("account_ended", "账号已注销 / the account is closed")
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
    days = f"{code} {from_on} {until_on or ''}".rstrip()
    tell_act(tx, "account.post_given", by=by, on=account_id, after=days)
