"""reports to hubs"""

import sqlalchemy as sa
from alembic import op
import chassis.db


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "exchange_marks",
        sa.Column("connector", sa.String(length=20), nullable=False),
        sa.Column("next_seq", BIG, nullable=False),
        sa.Column("batches", BIG, nullable=False),
        sa.PrimaryKeyConstraint("connector"),
    )
    op.create_table(
        "exchange_batches",
        sa.Column("batch_no", sa.String(length=40), nullable=False),
        sa.Column("connector", sa.String(length=20), nullable=False),
        sa.Column("serial", BIG, nullable=False),
        sa.Column("from_seq", BIG, nullable=False),
        sa.Column("to_seq", BIG, nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_at", chassis.db.UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", chassis.db.UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("sent_at", chassis.db.UtcDateTime(), nullable=True),
        sa.Column("confirmed_at", chassis.db.UtcDateTime(), nullable=True),
        sa.Column("resent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("batch_no"),
        sa.UniqueConstraint("connector", "serial", name="one_batch_per_serial"),
    )
    with op.batch_alter_table("exchange_batches", schema=None) as batch_op:
        batch_op.create_index("exchange_batches_by_state", ["connector", "state", "serial"], unique=False)


def downgrade() -> None:
    op.drop_table("exchange_batches")
    op.drop_table("exchange_marks")
