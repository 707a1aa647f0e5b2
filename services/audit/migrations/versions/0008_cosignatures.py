"""what each witness has cosigned last"""

import sqlalchemy as sa
from alembic import op

from chassis.db import BIG, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cosignatures",
        sa.Column("witness", sa.Text, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("cosigned_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("witness"),
    )


def downgrade() -> None:
    op.drop_table("cosignatures")
