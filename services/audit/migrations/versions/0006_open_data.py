"""open data: monthly editions, and an index that finds the cases that ended in a month"""

import sqlalchemy as sa
from alembic import op

import chassis.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ENDS = sa.text(
    "type IN ('case.closed.v1', 'case.denied.v1', 'case.not_accepted.v1', 'case.withdrawn.v1',"
    " 'case.deemed_withdrawn.v1', 'case.terminated.v1')"
)


def upgrade() -> None:
    op.create_table(
        "open_editions",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("made_at", chassis.db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_index("entries_of_ends", "entries", ["time"], postgresql_where=ENDS, sqlite_where=ENDS)


def downgrade() -> None:
    op.drop_index("entries_of_ends", "entries")
    op.drop_table("open_editions")
