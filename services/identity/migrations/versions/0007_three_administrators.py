"""three administrators: whoever was administrator is system administrator; the other two are opened anew"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE accounts SET kind = 'system_admin' WHERE kind = 'administrator'")
