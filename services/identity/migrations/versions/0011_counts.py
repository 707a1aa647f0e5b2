"""accounts counted by kind"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("accounts_by_kind", "accounts", ["kind", "state"])


def downgrade() -> None:
    op.drop_index("accounts_by_kind", table_name="accounts")
