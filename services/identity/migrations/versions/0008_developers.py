"""open API: developers' apps, their keys, daily use, and accounts to try signing in with"""

import sqlalchemy as sa
from alembic import op

import chassis.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = chassis.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "developer_apps",
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("purpose", sa.String(length=1000), nullable=False),
        sa.Column("contact_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uris", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("granted", sa.JSON(), nullable=False),
        sa.Column("registered_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("app_id"),
    )
    op.create_index("ix_developer_apps_party_id", "developer_apps", ["party_id"])
    op.create_index("ix_developer_apps_state", "developer_apps", ["state"])
    op.create_table(
        "developer_moves",
        sa.Column("move_id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=False),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("granted", sa.JSON(), nullable=False),
        sa.Column("moved_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("move_id"),
        sa.ForeignKeyConstraint(["app_id"], ["developer_apps.app_id"]),
    )
    op.create_index("ix_developer_moves_app_id", "developer_moves", ["app_id"])
    op.create_table(
        "developer_keys",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("replaced_by", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
        sa.ForeignKeyConstraint(["app_id"], ["developer_apps.app_id"]),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index("ix_developer_keys_app_id", "developer_keys", ["app_id"])
    op.create_table(
        "developer_usage",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("answered", chassis.db.BIG, nullable=False),
        sa.Column("refused", chassis.db.BIG, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "day"),
    )
    op.create_table(
        "sandbox_accounts",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        sa.ForeignKeyConstraint(["app_id"], ["developer_apps.app_id"]),
    )
    op.create_index("ix_sandbox_accounts_app_id", "sandbox_accounts", ["app_id"])


def downgrade() -> None:
    for table in ("sandbox_accounts", "developer_usage", "developer_keys", "developer_moves", "developer_apps"):
        op.drop_table(table)
