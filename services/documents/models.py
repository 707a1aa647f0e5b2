"""Tables of documents."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import BIG, Database, UtcDateTime

db = Database("documents")

PARTY = sa.String(64)
SHA256 = sa.String(64)

# Copies of other services' facts, fed by events.

items = sa.Table(
    "items",
    db.metadata,
    sa.Column("item_code", sa.String(31), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("definition", sa.LargeBinary, nullable=False),
)

# ``code_sealed`` is the number under the holder's own key, ``key_wrapped`` that key under master key ``key_master``; both null
# once the party is erased. ``code`` is what an older release has written, until it is sealed.
holders = sa.Table(
    "holders",
    db.metadata,
    sa.Column("party_id", PARTY, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("code_type", sa.String(3), nullable=False),
    sa.Column("code", sa.String(32)),
    sa.Column("key_master", sa.Integer),
    sa.Column("key_wrapped", sa.LargeBinary),
    sa.Column("code_sealed", sa.LargeBinary),
    sa.Column("revision", sa.Integer, nullable=False, default=0, server_default="0"),
)

material_grants = sa.Table(
    "material_grants",
    db.metadata,
    sa.Column("material_id", sa.String(64), primary_key=True),
    sa.Column("department", sa.String(64), primary_key=True),
    sa.Column("task_id", sa.String(120), nullable=False),
)

# What documents owns.

materials = sa.Table(
    "materials",
    db.metadata,
    sa.Column("material_id", sa.String(36), primary_key=True),
    sa.Column("owner_id", PARTY, nullable=False),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("media_type", sa.String(80), nullable=False),
    sa.Column("size_bytes", BIG, nullable=False),
    sa.Column("sha256", SHA256, nullable=False),
    sa.Column("stored_at", UtcDateTime, nullable=False),
    sa.Column("stored_by", sa.String(64)),
    sa.Column("agent_name", sa.String(100)),
    sa.UniqueConstraint("owner_id", "item_code", "code", "sha256", name="one_material_per_content"),
)

serials = sa.Table(
    "serials",
    db.metadata,
    sa.Column("issuer_code", sa.String(18), primary_key=True),
    sa.Column("type_code", sa.String(21), primary_key=True),
    sa.Column("last", BIG, nullable=False),
)

licences = sa.Table(
    "licences",
    db.metadata,
    sa.Column("licence_no", sa.String(120), primary_key=True),
    sa.Column("case_no", sa.String(50), nullable=False),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("holder_id", PARTY, nullable=False),
    sa.Column("holder_name", sa.Text, nullable=False),
    sa.Column("holder_code_type", sa.String(3), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
    sa.Column("issuer_name", sa.Text, nullable=False),
    sa.Column("issuer_uscc", sa.String(18), nullable=False),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("issued_on", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date),
    sa.Column("revoked_on", sa.Date),
    sa.Column("sha256", SHA256, nullable=False, unique=True),
    sa.Column("size_bytes", BIG, nullable=False),
    sa.UniqueConstraint("case_no", "item_code", name="one_licence_per_case_and_item"),
    sa.Index("licences_of_holder", "holder_id", "issued_at"),
)
_ends, _taken_back = licences.c.valid_until.is_not(None), licences.c.revoked_on.is_not(None)
sa.Index("licences_by_end", licences.c.valid_until, licences.c.revoked_on, postgresql_where=_ends, sqlite_where=_ends)
sa.Index("licences_revoked", licences.c.revoked_on, postgresql_where=_taken_back, sqlite_where=_taken_back)
