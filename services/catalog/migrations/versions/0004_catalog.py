"""drafts and reviews, history, suspension, plan of cancellation, older codes, packages

Revision ID: 0004
Revises: 0003
"""

from alembic import op
import sqlalchemy as sa

import chassis.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = chassis.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    # Not in batches, which would copy the table on SQLite, and others refer to it.
    op.add_column("items", sa.Column("suspended_at", MOMENT, nullable=True))
    op.add_column("items", sa.Column("suspended_reason", sa.Text(), nullable=True))
    op.add_column("item_versions", sa.Column("cancel_on", sa.Date(), nullable=True))
    op.add_column("item_versions", sa.Column("life_events", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("item_versions", sa.Column("result_type", sa.String(length=21), server_default="", nullable=False))
    op.add_column("item_versions", sa.Column("result_name", sa.String(length=200), server_default="", nullable=False))
    op.create_index("item_versions_by_result_type", "item_versions", ["result_type"])
    op.create_index("item_versions_by_result_name", "item_versions", ["result_name"])
    _fill(op.get_bind())
    op.create_table(
        "former_codes",
        sa.Column("former_code", sa.String(length=10), nullable=False),
        sa.Column("basic_code", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["basic_code"], ["basic_codes.basic_code"]),
        sa.PrimaryKeyConstraint("former_code"),
    )
    op.create_table(
        "drafts",
        sa.Column("draft_id", sa.String(length=36), nullable=False),
        sa.Column("item_code", sa.String(length=31), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("department", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("reviewer", sa.String(length=120), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("effective_from", sa.Date(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("draft_id"),
    )
    op.create_index("drafts_by_department", "drafts", ["department", "draft_id"])
    op.create_index("drafts_by_item", "drafts", ["item_code", "draft_id"])
    op.create_index("drafts_by_state", "drafts", ["state", "effective_from"])
    op.create_table(
        "history",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("item_code", sa.String(length=31), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("draft_id", sa.String(length=36), nullable=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("history_by_item", "history", ["item_code", "position"])
    op.create_table(
        "packages",
        sa.Column("package_code", sa.String(length=40), nullable=False),
        sa.Column("first_published_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("package_code"),
    )
    op.create_table(
        "package_versions",
        sa.Column("package_code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("lead_department", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("merged", sa.JSON(), nullable=False),
        sa.Column("published_by", sa.String(length=120), nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["package_code"], ["packages.package_code"]),
        sa.PrimaryKeyConstraint("package_code", "version"),
    )


def _fill(connection) -> None:
    """What the definitions say of their results, beside them."""
    versions = sa.table(
        "item_versions",
        sa.column("item_code", sa.String),
        sa.column("version", sa.Integer),
        sa.column("definition", sa.JSON),
        sa.column("result_type", sa.String),
        sa.column("result_name", sa.String),
    )
    stored = connection.execute(sa.select(versions.c.item_code, versions.c.version, versions.c.definition)).all()
    for item_code, version, definition in stored:
        mine = sa.and_(versions.c.item_code == item_code, versions.c.version == version)
        licence = definition.get("result", {}).get("licence", {})
        said = {"result_type": licence.get("type_code", ""), "result_name": licence.get("name", "")}
        connection.execute(sa.update(versions).where(mine).values(**said))


def downgrade() -> None:
    for name in ("package_versions", "packages", "history", "drafts", "former_codes"):
        op.drop_table(name)
    op.drop_index("item_versions_by_result_name", "item_versions")
    op.drop_index("item_versions_by_result_type", "item_versions")
    for name in ("result_name", "result_type", "life_events", "cancel_on"):
        op.drop_column("item_versions", name)
    op.drop_column("items", "suspended_reason")
    op.drop_column("items", "suspended_at")
