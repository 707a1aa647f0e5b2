"""Tables of identity. Numbers of parties are sealed; ``code_index`` is a keyed hash that only serves to find equal ones."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Database, UtcDateTime

db = Database("identity")

PARTY_ID = sa.String(64)
DEPARTMENT_CODE = sa.String(31)
KEYED_HASH = sa.String(64)

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
)

clients = sa.Table(
    "clients",
    db.metadata,
    sa.Column("client_id", sa.String(64), primary_key=True),
    sa.Column("department", DEPARTMENT_CODE, sa.ForeignKey("departments.code"), nullable=False),
    sa.Column("secret_hash", sa.String(200), nullable=False),
    sa.Column("registered_at", UtcDateTime, nullable=False),
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
