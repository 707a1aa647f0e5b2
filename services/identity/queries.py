"""Reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.identity.models import accounts, clients, db, departments, parties, sign_in_failures


def list_departments() -> list[dict[str, Any]]:
    """Every department, by code: code, name, name_en, uscc."""
    columns = (departments.c.code, departments.c.name, departments.c.name_en, departments.c.uscc)
    with db.read() as connection:
        rows = connection.execute(sa.select(*columns).order_by(departments.c.code)).mappings()
        return [dict(row) for row in rows]


def find_account(username: str) -> Any | None:
    """The account's row, or None."""
    with db.read() as connection:
        return connection.execute(sa.select(accounts).where(accounts.c.username == username)).one_or_none()


def find_client(client_id: str) -> Any | None:
    """The client's row with its department's name as ``name``, or None."""
    joined = sa.join(clients, departments, clients.c.department == departments.c.code)
    query = sa.select(clients, departments.c.name).select_from(joined).where(clients.c.client_id == client_id)
    with db.read() as connection:
        return connection.execute(query).one_or_none()


def not_before(username_index: str) -> datetime | None:
    """When the next attempt on an account is let in; None when nothing has failed."""
    query = sa.select(sign_in_failures.c.not_before).where(sign_in_failures.c.username_index == username_index)
    with db.read() as connection:
        found: datetime | None = connection.execute(query).scalar_one_or_none()
        return found


def usernames() -> frozenset[str]:
    """Of every account."""
    with db.read() as connection:
        return frozenset(connection.execute(sa.select(accounts.c.username)).scalars())


def client_ids() -> frozenset[str]:
    """Of every client."""
    with db.read() as connection:
        return frozenset(connection.execute(sa.select(clients.c.client_id)).scalars())


def a_sealed_number() -> tuple[str, bytes] | None:
    """Party id and sealed number of some party; None when there is none."""
    with db.read() as connection:
        row = connection.execute(sa.select(parties.c.party_id, parties.c.code_sealed).limit(1)).one_or_none()
    return None if row is None else (row.party_id, row.code_sealed)
