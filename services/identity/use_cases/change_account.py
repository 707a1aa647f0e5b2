"""账号变更: role and department of staff; suspended, resumed, closed. Not by its owner; sessions end with every change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.administration import ActReason, AdministrativeAct
from contracts.rights import ADMINISTRATORS, Caller, permits
from services.identity.domain.delegation import law_date
from services.identity.domain.directory import Account
from services.identity.domain.scopes import AccountKind
from services.identity.domain.staffing import AccountState, may_move, role_problem
from services.identity.models import accounts, posts
from services.identity.use_cases.end_sessions import end_sessions
from services.identity.use_cases.open_account import require_department
from services.identity.use_cases.tell_act import tell_act
from services.identity.use_cases.tell_owner import tell_owner

CHANGE = "accounts:change"
_ACTS: dict[AccountState, AdministrativeAct] = {
    "active": "account.resumed",
    "suspended": "account.suspended",
    "closed": "account.closed",
}

_SAID: dict[AccountState, str] = {
    "active": "账号已恢复使用 / the account was resumed",
    "suspended": "账号已被停用 / the account was suspended",
    "closed": "账号已被注销 / the account was closed",
}


def change_role(
    tx: Tx,
    account_id: str,
    caller: Caller,
    *,
    kind: AccountKind,
    department: str | None,
    reason: ActReason,
    now: datetime,
) -> None:
    """Another role, another department, or both; posts in the old department end. The same again changes nothing.

    Raises Refusal ``account_unknown``, ``forbidden``, ``account_ended``, ``account_invalid``, ``department_unknown``.
    """
    row = _lock(tx, account_id, caller)
    if row.state == "closed":
        raise _ended()
    account = Account(username=row.username, kind=kind, name=row.name, person_id=row.person_id, department=department)
    if problem := role_problem(account, administered_as=row.administered_as):
        raise Refusal("account_invalid", problem)
    if department is not None:
        require_department(tx, department)
    if (kind, department) == (row.kind, row.department):
        return
    administered_as = kind if kind in ADMINISTRATORS else row.administered_as
    values = {"kind": kind, "department": department, "administered_as": administered_as}
    tx.execute(sa.update(accounts).where(accounts.c.account_id == account_id).values(**values))
    _end_posts(tx, account_id, but=department)
    end_sessions(tx, account_id, now, but=None)
    if kind != row.kind:
        tell_act(
            tx, "account.role_changed", by=caller.subject, on=account_id, before=row.kind, after=kind, reason=reason
        )
    if department != row.department:
        places = {"before": row.department, "after": department}
        tell_act(tx, "account.department_changed", by=caller.subject, on=account_id, reason=reason, **places)
    tell_owner(tx, account_id, "账号的角色或部门已变更 / the account's role or department was changed")


def move_account(
    tx: Tx, account_id: str, caller: Caller, *, to: AccountState, reason: ActReason | None, now: datetime
) -> None:
    """停用、恢复、注销. May be repeated. Raises Refusal ``account_unknown``, ``forbidden``, ``account_ended``."""
    row = _lock(tx, account_id, caller)
    if row.state == to:
        return
    if not may_move(row.state, to):
        raise _ended()
    tx.execute(sa.update(accounts).where(accounts.c.account_id == account_id).values(state=to))
    if to == "closed":
        _end_posts(tx, account_id, but=None)
    end_sessions(tx, account_id, now, but=None)
    tell_act(tx, _ACTS[to], by=caller.subject, on=account_id, before=row.state, after=to, reason=reason)
    tell_owner(tx, account_id, _SAID[to])


def _lock(tx: Tx, account_id: str, caller: Caller) -> Any:
    """The account's row, which ``caller`` may change.

    The caller's own row is locked with it, in one order: of two who suspend each other at once, one comes too late, so that
    somebody is left. A token outlives its account's suspension by minutes.
    """
    if account_id == caller.subject:
        raise Refusal("forbidden", "不能变更自己的账号 / nobody changes the own account")
    both = accounts.c.account_id.in_([account_id, caller.subject])
    rows = tx.execute(sa.select(accounts).where(both).order_by(accounts.c.account_id).with_for_update())
    found = {row.account_id: row for row in rows}
    own, row = found.get(caller.subject), found.get(account_id)
    if own is not None and own.state != "active":
        raise Refusal("forbidden", "您的账号已停用 / your own account is suspended")
    if row is None or not permits(caller, CHANGE, kind=row.kind):
        raise Refusal("account_unknown", "没有这个账号 / there is no such account")
    return row


def _end_posts(tx: Tx, account_id: str, *, but: str | None) -> None:
    """Posts outside department ``but`` end yesterday, or on the day on which they began; those to come are gone."""
    p, today = posts.c, law_date(tx.now)
    theirs = p.account_id == account_id
    if but is not None:
        theirs = sa.and_(theirs, p.department != but)
    tx.execute(sa.delete(posts).where(theirs, p.from_on > today))
    running = sa.and_(theirs, sa.or_(p.until_on.is_(None), p.until_on >= today))
    yesterday = today - timedelta(days=1)
    tx.execute(sa.update(posts).where(running, p.from_on < today).values(until_on=yesterday))
    tx.execute(sa.update(posts).where(running, p.from_on == today).values(until_on=today))


def _ended() -> Refusal:
    return Refusal("account_ended", "账号已注销 / the account is closed")
