"""Tables of catalog: items, their versions, drafts and history, packages, the standard behind each basic code, departments."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import BIG, Database, UtcDateTime

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

former_codes = sa.Table(
    "former_codes",  # 2016 generation of basic codes -> today's
    db.metadata,
    sa.Column("former_code", sa.String(10), primary_key=True),
    sa.Column("basic_code", sa.String(12), sa.ForeignKey("basic_codes.basic_code"), nullable=False),
)

items = sa.Table(
    "items",
    db.metadata,
    sa.Column("item_code", sa.String(31), primary_key=True),
    sa.Column("basic_code", sa.String(12), sa.ForeignKey("basic_codes.basic_code"), nullable=False, index=True),
    sa.Column("first_published_at", UtcDateTime, nullable=False),
    sa.Column("retired_on", sa.Date),
    sa.Column("retired_reason", sa.Text),
    sa.Column("suspended_at", UtcDateTime),
    sa.Column("suspended_reason", sa.Text),
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
    sa.Column("life_events", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("cancel_on", sa.Date),
    sa.Column("result_type", sa.String(21), nullable=False, server_default=""),
    sa.Column("result_name", sa.String(200), nullable=False, server_default=""),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("published_by", sa.String(120), nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
    sa.Index("item_versions_by_result_type", "result_type"),
    sa.Index("item_versions_by_result_name", "result_name"),
)

drafts = sa.Table(
    "drafts",
    db.metadata,
    sa.Column("draft_id", sa.String(36), primary_key=True),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("department", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("authors", sa.JSON, nullable=False),  # accounts, in the order in which they first wrote
    sa.Column("reviewer", sa.String(120)),
    sa.Column("version", sa.Integer),
    sa.Column("effective_from", sa.Date),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index("drafts_by_department", "department", "draft_id"),
    sa.Index("drafts_by_item", "item_code", "draft_id"),
    sa.Index("drafts_by_state", "state", "effective_from"),
)

history = sa.Table(
    "history",
    db.metadata,
    sa.Column("position", BIG, primary_key=True, autoincrement=True),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("draft_id", sa.String(36)),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("by", sa.String(120), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Index("history_by_item", "item_code", "position"),
)

packages = sa.Table(
    "packages",
    db.metadata,
    sa.Column("package_code", sa.String(40), primary_key=True),
    sa.Column("first_published_at", UtcDateTime, nullable=False),
    sa.Column("retired_on", sa.Date),
    sa.Column("retired_reason", sa.Text),
)

package_versions = sa.Table(
    "package_versions",
    db.metadata,
    sa.Column("package_code", sa.String(40), sa.ForeignKey("packages.package_code"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("name_en", sa.String(200), nullable=False),
    sa.Column("lead_department", sa.String(64), nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("merged", sa.JSON, nullable=False),
    sa.Column("published_by", sa.String(120), nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
)

# Ranges of terms are asked for, which needs the order of code points.
TERM = sa.String(80).with_variant(sa.String(80, collation="C"), "postgresql")

search_documents = sa.Table(
    "search_documents",  # one for each version that may still be found: in force from ``begins`` up to but not on ``ends``
    db.metadata,
    sa.Column("document", BIG, primary_key=True, autoincrement=True),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("begins", sa.Date, nullable=False),
    sa.Column("ends", sa.Date),
    sa.Column("form", sa.Integer, nullable=False),
    sa.UniqueConstraint("item_code", "version"),
)

search_terms = sa.Table(
    "search_terms",
    db.metadata,
    sa.Column("term", TERM, primary_key=True),
    sa.Column("document", BIG, primary_key=True, autoincrement=False),
    sa.Index("search_terms_by_document", "document", "term"),
    sqlite_with_rowid=False,
)

shared_resources = sa.Table(
    "shared_resources",
    db.metadata,
    sa.Column("resource_code", sa.String(40), primary_key=True),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("sharing_type", sa.String(1), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("published_by", sa.String(120), nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
    sa.Column("withdrawn_at", UtcDateTime),
    sa.Column("withdrawn_reason", sa.Text),
    sa.Index("shared_resources_by_provider", "provider", "resource_code"),
)

sharing_applications = sa.Table(
    "sharing_applications",
    db.metadata,
    sa.Column("application_id", sa.String(36), primary_key=True),
    sa.Column("resource_code", sa.String(40), sa.ForeignKey("shared_resources.resource_code"), nullable=False),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("department", sa.String(64), nullable=False),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("applied_by", sa.String(120), nullable=False),
    sa.Column("applied_at", UtcDateTime, nullable=False),
    sa.Column("answer_due", sa.Date, nullable=False),
    sa.Column("overdue_at", UtcDateTime),
    sa.Column("granted_fields", sa.JSON, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("answered_by", sa.String(120)),
    sa.Column("answered_at", UtcDateTime),
    sa.Column("ended_by", sa.String(120)),
    sa.Column("ended_at", UtcDateTime),
    sa.Index("sharing_applications_by_provider", "provider", "application_id"),
    sa.Index("sharing_applications_by_department", "department", "application_id"),
    sa.Index("sharing_applications_by_state", "state", "answer_due"),
)

sharing_uses = sa.Table(
    "sharing_uses",
    db.metadata,
    sa.Column("use_id", sa.String(36), primary_key=True),
    sa.Column("application_id", sa.String(36), sa.ForeignKey("sharing_applications.application_id"), nullable=False),
    sa.Column("case_no", sa.String(50), nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("by", sa.String(120), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("sharing_uses_by_application", "application_id", "use_id"),
)
