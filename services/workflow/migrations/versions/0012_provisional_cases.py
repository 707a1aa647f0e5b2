"""running cases whose dates are provisional are found when a year's holidays are published"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WHERE = {
    "postgresql_where": sa.text("provisional AND closed_at IS NULL"),
    "sqlite_where": sa.text("provisional = 1 AND closed_at IS NULL"),
}


def upgrade() -> None:
    op.create_index("provisional_cases", "cases", ["case_no"], **WHERE)


def downgrade() -> None:
    op.drop_index("provisional_cases", table_name="cases")
