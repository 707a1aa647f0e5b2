"""Whoever was the one administrator becomes the system administrator: a role that exists, with fewer powers."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import command

from chassis.migrate import config_for, upgrade
from services.identity.domain.scopes import ACCOUNT_KINDS
from services.identity.models import accounts, db
from services.identity.service import MIGRATIONS


def test_an_older_administrator_is_system_administrator_and_others_stay_what_they_are(database_url: str) -> None:
    db.bind(database_url)
    config = config_for(MIGRATIONS)
    config.attributes["database"] = db
    command.upgrade(config, "0006")
    old = sa.Table("accounts", sa.MetaData(), autoload_with=db.engine)
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    common = {
        "name": "吴管理",
        "password_hash": "x",
        "opened_at": now,
        "password_set_at": now,
        "password_temporary": False,
    }
    rows = [{"account_id": kind, "username": kind, "kind": kind, **common} for kind in ("administrator", "supervisor")]
    with db.writing() as connection:
        connection.execute(sa.insert(old), rows)
    upgrade(db, MIGRATIONS)
    with db.read() as connection:
        kinds = dict(connection.execute(sa.select(accounts.c.username, accounts.c.kind)).all())
    assert kinds == {"administrator": "system_admin", "supervisor": "supervisor"}
    assert set(kinds.values()) <= set(ACCOUNT_KINDS)
