"""Departments, parties, accounts, client systems, failed sign-ins."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import UtcDateTime
from services.identity.models.base import DEPARTMENT_CODE, KEYED_HASH, PARTY_ID, db

departments = sa.Table(
    "departments",
    db.metadata,
    sa.Column("code", DEPARTMENT_CODE, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("name_en", sa.String(100), nullable=False),
    sa.Column("uscc", sa.String(18), nullable=False, unique=True),
    sa.Column("registered_at", UtcDateTime, nullable=False),
)

parties = sa.Table(
    "parties",
    db.metadata,
    sa.Column("party_id", PARTY_ID, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("code_type", sa.String(3), nullable=False),
    sa.Column("code_sealed", sa.LargeBinary, nullable=False),
    sa.Column("code_index", KEYED_HASH, nullable=False, unique=True),
    sa.Column("registered_at", UtcDateTime, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, default=0, server_default="0"),
)

accounts = sa.Table(
    "accounts",
    db.metadata,
    sa.Column("account_id", sa.String(64), primary_key=True),
    sa.Column("username", sa.String(64), nullable=False, unique=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("person_id", PARTY_ID, sa.ForeignKey("parties.party_id")),
    sa.Column("party_id", PARTY_ID, sa.ForeignKey("parties.party_id")),
    sa.Column("department", DEPARTMENT_CODE, sa.ForeignKey("departments.code")),
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("password_set_at", UtcDateTime, nullable=False),
    sa.Column("password_temporary", sa.Boolean, nullable=False),  # given by an administrator: to be changed first
    sa.Column("level", sa.Integer, nullable=False, default=2, server_default="2"),  # assurance, 2 to 5
    sa.Column("state", sa.String(16), nullable=False, default="active", server_default="active"),  # suspended, closed
    sa.Column("administered_as", sa.String(16)),  # the one administrator's role that it has, or had
    sa.Index("accounts_by_kind", "kind", "state"),
)

clients = sa.Table(
    "clients",
    db.metadata,
    sa.Column("client_id", sa.String(64), primary_key=True),
    sa.Column("department", DEPARTMENT_CODE, sa.ForeignKey("departments.code"), nullable=False),
    sa.Column("secret_hash", sa.String(200)),
    sa.Column("jwks", sa.JSON),
    sa.Column("registered_at", UtcDateTime, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False, default="department", server_default="department"),  # or kiosk
)

# By keyed hash of the name that was tried, whether such an account exists or not: people type passwords into the wrong
# field, and a table of real accounts only would tell which names are real.
sign_in_failures = sa.Table(
    "sign_in_failures",
    db.metadata,
    sa.Column("username_index", KEYED_HASH, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_failed_at", UtcDateTime, nullable=False, index=True),
    sa.Column("not_before", UtcDateTime, nullable=False),
)
