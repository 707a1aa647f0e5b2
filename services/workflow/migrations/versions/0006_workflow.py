"""the law's whole procedure: clocks that stop, deadlines that fire, modes of handling"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ASLEEP = sa.text("wake_on IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "suspensions",
        sa.Column("item_code", sa.String(length=31), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("item_code"),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mode", sa.String(length=16), nullable=False, server_default="ordinary"))
        batch_op.add_column(
            sa.Column("delivery_way", sa.String(length=16), nullable=False, server_default="electronic")
        )
        batch_op.add_column(sa.Column("delivery", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("batch", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("eligibility", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("statutory_due_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("clock", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("notice_by", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("correct_by", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("promises", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("renews_licence", sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column("renews_until", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("licence_until", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("wake_on", sa.Date(), nullable=True))
        batch_op.create_index("cases_to_wake", ["wake_on", "case_no"], postgresql_where=_ASLEEP, sqlite_where=_ASLEEP)
    # The five days of law run for applications that an older version took in, too.
    op.execute("UPDATE cases SET wake_on = accept_by WHERE state = 'received'")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("assignee", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("signatures", sa.JSON(), nullable=True))
    with op.batch_alter_table("opinions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("conditions", sa.JSON(), nullable=True))
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=16), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.drop_column("channel")
    with op.batch_alter_table("opinions", schema=None) as batch_op:
        batch_op.drop_column("conditions")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_column("signatures")
        batch_op.drop_column("assignee")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("cases_to_wake", postgresql_where=_ASLEEP, sqlite_where=_ASLEEP)
        for name in (
            "wake_on", "licence_until", "renews_until", "renews_licence", "promises", "correct_by", "notice_by", "clock",
            "statutory_due_on", "eligibility", "batch", "delivered_at", "delivery", "delivery_way", "mode",
        ):  # fmt: skip
            batch_op.drop_column(name)
    op.drop_table("suspensions")
