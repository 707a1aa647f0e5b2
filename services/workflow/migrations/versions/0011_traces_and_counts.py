"""the trace of a task, and running cases counted from their index"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_RUNNING = sa.text("closed_at IS NULL")
_WHERE = {"postgresql_where": _RUNNING, "sqlite_where": _RUNNING}


def upgrade() -> None:
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("traceparent", sa.String(length=55), nullable=True))
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("running_cases", **_WHERE)
        batch_op.create_index("running_cases", ["due_on", "case_no", "item_code", "state"], **_WHERE)


def downgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("running_cases", **_WHERE)
        batch_op.create_index("running_cases", ["due_on", "case_no"], **_WHERE)
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_column("traceparent")
