"""outside providers, back-channel logout, and what ends a session's tokens at once"""

import sqlalchemy as sa
from alembic import op

from chassis.db import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("relying_parties", sa.Column("backchannel_logout_uri", sa.String(2000)))
    op.add_column("sessions", sa.Column("outside", sa.String(32)))
    op.add_column("sessions", sa.Column("level_cap", sa.Integer))
    op.create_index("ix_sessions_ended_at", "sessions", ["ended_at"])
    op.create_index("ix_grants_ended_at", "grants", ["ended_at"])
    op.create_table(
        "logout_notices",
        sa.Column("notice_id", sa.String(36), primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(64), nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=True, index=True),
        sa.Column("delivered_at", UtcDateTime),
        sa.Column("problem", sa.String(200)),
        sa.UniqueConstraint("client_id", "session_id"),
    )
    op.create_table(
        "outside_identities",
        sa.Column("provider", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
        sa.Column("proven_by", sa.String(16), nullable=False),
        sa.Column("linked_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("provider", "account_id"),
    )
    op.create_table(
        "outside_flows",
        sa.Column("state_hash", sa.String(64), primary_key=True),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("begun_at", UtcDateTime, nullable=False, index=True),
    )


def downgrade() -> None:
    for table in ("outside_flows", "outside_identities", "logout_notices"):
        op.drop_table(table)
    op.drop_index("ix_grants_ended_at", table_name="grants")
    op.drop_index("ix_sessions_ended_at", table_name="sessions")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_column("level_cap")
        batch_op.drop_column("outside")
    with op.batch_alter_table("relying_parties", schema=None) as batch_op:
        batch_op.drop_column("backchannel_logout_uri")
