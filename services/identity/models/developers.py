"""开放资源: developers' apps, their keys and what was asked with them (migration 0008)."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import BIG, UtcDateTime
from services.identity.models.base import PARTY_ID, db

# ``contact_sealed`` is under the party's key. ``asked`` and ``granted`` are grants (domain/developer_apps.py) or {}.
developer_apps = sa.Table(
    "developer_apps",
    db.metadata,
    sa.Column("app_id", sa.String(36), primary_key=True),
    sa.Column("party_id", PARTY_ID, nullable=False, index=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("name_en", sa.String(100), nullable=False),
    sa.Column("purpose", sa.String(1000), nullable=False),
    sa.Column("contact_sealed", sa.LargeBinary, nullable=False),
    sa.Column("redirect_uris", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("granted", sa.JSON, nullable=False),
    sa.Column("registered_at", UtcDateTime, nullable=False),
)

developer_moves = sa.Table(
    "developer_moves",
    db.metadata,
    sa.Column("move_id", sa.String(36), primary_key=True),
    sa.Column("app_id", sa.String(36), sa.ForeignKey("developer_apps.app_id"), nullable=False, index=True),
    sa.Column("before", sa.String(16), nullable=False),
    sa.Column("after", sa.String(16), nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("granted", sa.JSON, nullable=False),
    sa.Column("moved_at", UtcDateTime, nullable=False),
)

# Of the key itself only its fingerprint is kept. ``expires_at`` comes nearer when it is rotated.
developer_keys = sa.Table(
    "developer_keys",
    db.metadata,
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("app_id", sa.String(36), sa.ForeignKey("developer_apps.app_id"), nullable=False, index=True),
    sa.Column("environment", sa.String(16), nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("label", sa.String(100), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("replaced_by", sa.String(16)),
)

developer_usage = sa.Table(
    "developer_usage",
    db.metadata,
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("answered", BIG, nullable=False),
    sa.Column("refused", BIG, nullable=False),
)

# Accounts of nobody: they sign in to the sandbox client of one app and to nothing else.
sandbox_accounts = sa.Table(
    "sandbox_accounts",
    db.metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("app_id", sa.String(36), sa.ForeignKey("developer_apps.app_id"), nullable=False, index=True),
)
