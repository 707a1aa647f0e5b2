"""账号清单, for the administrators whose accounts they are: staff's for security administrators, persons' for system ones."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.errors import Refusal
from chassis.rights import clause, one_of
from contracts.rights import Caller, needs
from services.identity import queries
from services.identity.domain.masking import masked_name
from services.identity.models import accounts, db, sessions
from services.identity.use_cases.show_people import posts_of

READ = "accounts:read"
_SHOWN = (
    "account_id", "username", "kind", "name", "department", "state", "level", "opened_at", "password_set_at",
    "password_temporary",
)  # fmt: skip


def list_accounts(caller: Caller, wanted: dict[str, Any], *, after: str | None, limit: int) -> dict[str, Any]:
    """A page by username, and the username to go on after. ``wanted``: kind, state, department, and how usernames begin."""
    a = accounts.c
    query = sa.select(accounts, _last_seen()).where(_readable(caller)).order_by(a.username).limit(limit + 1)
    for name in ("kind", "state", "department"):
        if wanted.get(name) is not None:
            query = query.where(a[name] == wanted[name])
    if beginning := wanted.get("username"):
        query = query.where(a.username.startswith(beginning, autoescape=True))
    if after is not None:
        query = query.where(a.username > after)
    with db.read() as connection:
        rows = connection.execute(query).fetchall()
    page = rows[:limit]
    return {"accounts": [_shown(row) for row in page], "next": page[-1].username if len(rows) > limit else None}


def show_account(caller: Caller, account_id: str) -> dict[str, Any]:
    """One account with its posts and the kinds of its second factors. Raises Refusal ``account_unknown``."""
    query = sa.select(accounts, _last_seen()).where(accounts.c.account_id == account_id, _readable(caller))
    with db.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise Refusal("account_unknown", "没有这个账号 / there is no such account")
    posts = [] if row.person_id is not None else posts_of(account_id)
    return _shown(row) | {"posts": posts, "factors": sorted(queries.factors_of(account_id))}


def officers_of(caller: Caller) -> list[dict[str, str]]:
    """The active officers of the caller's department, id and name."""
    a = accounts.c
    mine = clause(needs(caller, "colleagues:read"), {"department": one_of(a.department)})
    query = sa.select(a.account_id, a.name).where(mine, a.kind == "officer", a.state == "active")
    with db.read() as connection:
        return [dict(row) for row in connection.execute(query.order_by(a.name, a.account_id)).mappings()]


def _readable(caller: Caller) -> sa.ColumnElement[bool]:
    return clause(needs(caller, READ), {"kind": one_of(accounts.c.kind)})


def _last_seen() -> sa.Label[Any]:
    mine = sessions.c.account_id == accounts.c.account_id
    return sa.select(sa.func.max(sessions.c.last_seen)).where(mine).scalar_subquery().label("last_seen_at")


def _shown(row: Any) -> dict[str, Any]:
    """Staff by name; a person's name is masked here as everywhere."""
    shown = {name: getattr(row, name) for name in _SHOWN} | {"last_seen_at": row.last_seen_at}
    if row.person_id is not None:
        shown |= {"name": masked_name(row.name)}
    return shown
