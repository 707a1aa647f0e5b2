"""bad ratings that are being followed up, counted"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BAD = sa.text("follow_up_by IS NOT NULL")
_WHERE = {"postgresql_where": _BAD, "sqlite_where": _BAD}


def upgrade() -> None:
    op.create_index("ratings_to_follow_up", "ratings", ["follow_up_by"], **_WHERE)


def downgrade() -> None:
    op.drop_index("ratings_to_follow_up", table_name="ratings", **_WHERE)
