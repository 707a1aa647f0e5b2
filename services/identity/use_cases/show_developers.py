"""What developers see of their apps, keys and use, and administrators of all apps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chassis.errors import Refusal
from contracts.open_api import SANDBOX_QUOTA
from services.identity.adapters.party_keys import key_of
from services.identity.adapters.vault import Vault
from services.identity.domain.developer_apps import (
    PRODUCTION_CLIENT,
    elsewhere,
    key_state,
    own_machine,
    sandbox_client,
    shown_prefix,
)
from services.identity.models import (
    accounts,
    db,
    developer_apps,
    developer_keys,
    developer_moves,
    developer_usage,
    parties,
    sandbox_accounts,
)
from services.identity.use_cases.developer_apps import CONTACT

DAYS_SHOWN = 30


def list_apps(own: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    """Apps among ``own``, the newest first, without keys."""
    with db.read() as connection:
        rows = connection.execute(_with_owner().where(own).order_by(developer_apps.c.app_id.desc()))
        return [_summary(row) for row in rows]


def show_app(vault: Vault, app_id: str, own: sa.ColumnElement[bool], now: datetime, today: date) -> dict[str, Any]:
    """The whole app, keys, use and history with it. Raises Refusal ``app_unknown``, for those of others too."""
    with db.read() as connection:
        row = connection.execute(_with_owner().where(own, developer_apps.c.app_id == app_id)).one_or_none()
        if row is None:
            raise Refusal("app_unknown", "没有这个应用 / there is no such app", app_id=app_id)
        contact = key_of(connection, vault, row.party_id).open(CONTACT, row.contact_sealed).reveal()
        keys = list(connection.execute(_of_app(developer_keys, app_id).order_by(developer_keys.c.created_at.desc())))
        return _summary(row) | {
            "purpose": row.purpose,
            "contact": contact,
            "redirect_uris": row.redirect_uris,
            "sandbox_client": sandbox_client(app_id) if own_machine(row.redirect_uris) else None,
            "production_client": _production_client(row),
            "sandbox_quota": {"per_minute": SANDBOX_QUOTA.per_minute, "per_day": SANDBOX_QUOTA.per_day},
            "keys": _keys(connection, keys, now),
            "usage": _usage(connection, keys, today),
            "test_accounts": _test_accounts(connection, app_id),
            "history": _history(connection, app_id),
        }


def _with_owner() -> sa.Select[Any]:
    joined = sa.outerjoin(developer_apps, parties, developer_apps.c.party_id == parties.c.party_id)
    return sa.select(developer_apps, parties.c.name.label("owner"), parties.c.kind.label("owner_kind")).select_from(
        joined
    )


def _summary(row: Any) -> dict[str, Any]:
    named = ("app_id", "name", "name_en", "state", "owner", "owner_kind", "registered_at")
    return {name: getattr(row, name) for name in named} | {"asked": row.asked or None, "granted": row.granted or None}


def _production_client(row: Any) -> str | None:
    return PRODUCTION_CLIENT + row.app_id if row.state == "approved" and elsewhere(row.redirect_uris) else None


def _of_app(table: sa.Table, app_id: str) -> sa.Select[Any]:
    return sa.select(table).where(table.c.app_id == app_id)


def _keys(connection: Connection, keys: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    u = developer_usage.c
    used = (
        sa.select(u.key_id, sa.func.max(u.day).label("day"))
        .where(u.key_id.in_([key.key_id for key in keys]))
        .group_by(u.key_id)
    )
    last = {row.key_id: row.day for row in connection.execute(used)}
    return [
        {
            "key_id": key.key_id,
            "prefix": shown_prefix(key.environment, key.key_id),
            "environment": key.environment,
            "label": key.label,
            "state": key_state(key, now),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
            "replaced_by": key.replaced_by,
            "last_used_on": last.get(key.key_id),
        }
        for key in keys
    ]


def _usage(connection: Connection, keys: Sequence[Any], today: date) -> list[dict[str, Any]]:
    """By day and environment, the newest first; days without a request are left out."""
    environment = {key.key_id: key.environment for key in keys}
    u = developer_usage.c
    recent = sa.select(developer_usage).where(u.key_id.in_(environment), u.day > today - timedelta(days=DAYS_SHOWN))
    sums: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in connection.execute(recent):
        of_day = sums[row.day, environment[row.key_id]]
        of_day[0] += row.answered
        of_day[1] += row.refused
    return [
        {"day": day, "environment": which, "answered": answered, "refused": refused}
        for (day, which), (answered, refused) in sorted(sums.items(), reverse=True)
    ]


def _test_accounts(connection: Connection, app_id: str) -> list[dict[str, Any]]:
    joined = sa.join(sandbox_accounts, accounts, sandbox_accounts.c.account_id == accounts.c.account_id)
    query = sa.select(accounts.c.username, accounts.c.name).select_from(joined)
    mine = query.where(sandbox_accounts.c.app_id == app_id).order_by(accounts.c.account_id)
    return [dict(row) for row in connection.execute(mine).mappings()]


def _history(connection: Connection, app_id: str) -> list[dict[str, Any]]:
    moves = connection.execute(_of_app(developer_moves, app_id).order_by(developer_moves.c.move_id))
    return [{name: getattr(row, name) for name in ("before", "after", "reason", "moved_at")} for row in moves]
