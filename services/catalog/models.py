"""Tables of catalog: items, their versions, the standard behind each basic code, and a copy of the departments."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import Database, UtcDateTime

db = Database("catalog")

departments = sa.Table(
    "departments",
    db.metadata,
    sa.Column("code", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("name_en", sa.String(200), nullable=False),
    sa.Column("uscc", sa.String(18), nullable=False),
)

basic_codes = sa.Table(
    "basic_codes",
    db.metadata,
    sa.Column("basic_code", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("item_type", sa.String(2), nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
)

items = sa.Table(
    "items",
    db.metadata,
    sa.Column("item_code", sa.String(31), primary_key=True),
    sa.Column("basic_code", sa.String(12), sa.ForeignKey("basic_codes.basic_code"), nullable=False, index=True),
    sa.Column("first_published_at", UtcDateTime, nullable=False),
    sa.Column("retired_on", sa.Date),
    sa.Column("retired_reason", sa.Text),
)

item_versions = sa.Table(
    "item_versions",
    db.metadata,
    sa.Column("item_code", sa.String(31), sa.ForeignKey("items.item_code"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("name_en", sa.String(200), nullable=False),
    sa.Column("item_type", sa.String(2), nullable=False),
    sa.Column("lead_department", sa.String(64), nullable=False),
    sa.Column("person_topics", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("organisation_topics", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("published_by", sa.String(120), nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
)
