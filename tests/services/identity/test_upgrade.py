"""Accounts from before passwords had an age keep their password, which is as old as the account."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import command

from chassis.migrate import config_for, upgrade
from services.identity.models import accounts, db
from services.identity.service import MIGRATIONS

OPENED = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_an_older_accounts_password_is_as_old_as_the_account(database_url: str) -> None:
    db.bind(database_url)
    config = config_for(MIGRATIONS)
    config.attributes["database"] = db
    command.upgrade(config, "0004")
    old = sa.Table("accounts", sa.MetaData(), autoload_with=db.engine)
    row = {
        "account_id": "a-1",
        "username": "parent",
        "kind": "supervisor",
        "name": "郑监督",
        "password_hash": "x",
        "opened_at": OPENED,
    } | ({"level": 2} if "level" in old.c else {})
    with db.writing() as connection:
        connection.execute(sa.insert(old).values(row))
    upgrade(db, MIGRATIONS)
    with db.read() as connection:
        [kept] = connection.execute(sa.select(accounts.c.password_set_at, accounts.c.password_temporary)).all()
    assert kept == (OPENED, False)
