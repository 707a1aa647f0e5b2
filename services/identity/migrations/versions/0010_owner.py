"""accounts that are suspended or closed; security notices to the owner of an account; where an account was seen before"""

import sqlalchemy as sa
from alembic import op

import chassis.db

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TIME = chassis.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=16), server_default="active", nullable=False))
        batch_op.add_column(sa.Column("administered_as", sa.String(length=16), nullable=True))
    op.execute(
        "UPDATE accounts SET administered_as = kind WHERE kind IN ('system_admin', 'security_admin', 'audit_admin')"
    )
    op.execute("UPDATE accounts SET state = 'closed' WHERE username LIKE 'closed-%' AND name = '已删除'")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_id", sa.String(length=64), nullable=True))
        batch_op.alter_column("case_no", existing_type=sa.String(length=50), nullable=True)
    op.create_index("messages_of_account", "messages", ["account_id", "message_id"])
    with op.batch_alter_table("message_deliveries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("address_sealed", sa.LargeBinary(), nullable=True))
    op.create_table(
        "familiar_marks",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        sa.PrimaryKeyConstraint("account_id", "mark"),
    )
    op.create_index("ix_familiar_marks_seen_at", "familiar_marks", ["seen_at"])


def downgrade() -> None:
    op.drop_table("familiar_marks")
    with op.batch_alter_table("message_deliveries", schema=None) as batch_op:
        batch_op.drop_column("address_sealed")
    op.execute("DELETE FROM messages WHERE case_no IS NULL")
    op.drop_index("messages_of_account", table_name="messages")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.alter_column("case_no", existing_type=sa.String(length=50), nullable=False)
        batch_op.drop_column("account_id")
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_column("administered_as")
        batch_op.drop_column("state")
