"""search terms, and the information-sharing catalogue

Revision ID: 0005
Revises: 0004
"""

from alembic import op
import sqlalchemy as sa

import chassis.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = chassis.db.UtcDateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "search_documents",
        sa.Column("document", BIG, autoincrement=True, nullable=False),
        sa.Column("item_code", sa.String(length=31), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("document"),
        sa.UniqueConstraint("item_code", "version"),
    )
    op.create_table(
        "search_terms",
        sa.Column("term", sa.String(80).with_variant(sa.String(80, collation="C"), "postgresql"), nullable=False),
        sa.Column("document", BIG, nullable=False),
        sa.PrimaryKeyConstraint("term", "document"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("search_terms", schema=None) as batch_op:
        batch_op.create_index("search_terms_by_document", ["document", "term"])
    op.create_table(
        "shared_resources",
        sa.Column("resource_code", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sharing_type", sa.String(length=1), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("published_by", sa.String(length=120), nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("resource_code"),
    )
    with op.batch_alter_table("shared_resources", schema=None) as batch_op:
        batch_op.create_index("shared_resources_by_provider", ["provider", "resource_code"])
    op.create_table(
        "sharing_applications",
        sa.Column("application_id", sa.String(length=36), nullable=False),
        sa.Column("resource_code", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("department", sa.String(length=64), nullable=False),
        sa.Column("item_code", sa.String(length=31), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("applied_by", sa.String(length=120), nullable=False),
        sa.Column("applied_at", MOMENT, nullable=False),
        sa.Column("answer_due", sa.Date(), nullable=False),
        sa.Column("overdue_at", MOMENT, nullable=True),
        sa.Column("granted_fields", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.String(length=120), nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(length=120), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["resource_code"], ["shared_resources.resource_code"]),
        sa.PrimaryKeyConstraint("application_id"),
    )
    with op.batch_alter_table("sharing_applications", schema=None) as batch_op:
        batch_op.create_index("sharing_applications_by_provider", ["provider", "application_id"])
        batch_op.create_index("sharing_applications_by_department", ["department", "application_id"])
        batch_op.create_index("sharing_applications_by_state", ["state", "answer_due"])
    op.create_table(
        "sharing_uses",
        sa.Column("use_id", sa.String(length=36), nullable=False),
        sa.Column("application_id", sa.String(length=36), nullable=False),
        sa.Column("case_no", sa.String(length=50), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["sharing_applications.application_id"]),
        sa.PrimaryKeyConstraint("use_id"),
    )
    with op.batch_alter_table("sharing_uses", schema=None) as batch_op:
        batch_op.create_index("sharing_uses_by_application", ["application_id", "use_id"])


def downgrade() -> None:
    for name in ("sharing_uses", "sharing_applications", "shared_resources", "search_terms", "search_documents"):
        op.drop_table(name)
