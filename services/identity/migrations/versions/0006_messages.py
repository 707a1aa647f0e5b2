"""messages to people: notices, inbox, deliveries, preferences"""

import sqlalchemy as sa
from alembic import op

import chassis.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = chassis.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "message_cases",
        sa.Column("case_no", sa.String(length=50), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("submitter_id", sa.String(length=64), nullable=False),
        sa.Column("item_name", sa.String(length=200), nullable=False),
        sa.Column("heard_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("case_no"),
    )
    op.create_table(
        "message_notices",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("case_no", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("heard_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("ix_message_notices_case_no", "message_notices", ["case_no"])
    op.create_table(
        "messages",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=True),
        sa.Column("fallback_party_id", sa.String(length=64), nullable=True),
        sa.Column("department", sa.String(length=31), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("case_no", sa.String(length=50), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("read_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("messages_of_party", "messages", ["party_id", "message_id"])
    op.create_index("messages_of_department", "messages", ["department", "message_id"])
    op.create_table(
        "message_deliveries",
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.message_id"]),
        sa.UniqueConstraint("message_id", "channel", name="one_delivery_per_channel"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("deliveries_due", "message_deliveries", ["due_at"], postgresql_where=waiting, sqlite_where=waiting)
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("provider_id", sa.String(length=100), nullable=True),
        sa.Column("ended_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "attempt"),
        sa.ForeignKeyConstraint(["delivery_id"], ["message_deliveries.delivery_id"]),
    )
    op.create_table(
        "message_preferences",
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("off", sa.JSON(), nullable=False),
        sa.Column("quiet_from", sa.String(length=5), nullable=True),
        sa.Column("quiet_until", sa.String(length=5), nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("party_id"),
    )


def downgrade() -> None:
    for table in (
        "message_preferences",
        "delivery_attempts",
        "message_deliveries",
        "messages",
        "message_notices",
        "message_cases",
    ):
        op.drop_table(table)
