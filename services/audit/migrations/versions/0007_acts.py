"""administrative acts are found in the ledger without reading it"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACTS = sa.text("type = 'administration.acted.v1'")


def upgrade() -> None:
    op.create_index("entries_of_acts", "entries", ["seq"], postgresql_where=ACTS, sqlite_where=ACTS)


def downgrade() -> None:
    op.drop_index("entries_of_acts", table_name="entries")
