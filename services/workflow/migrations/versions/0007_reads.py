"""lists that stay quick, and what earlier cases have taken"""

import sqlalchemy as sa
from alembic import op

import chassis.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")
_FIRST = sa.text("first_of_department")
_RUNNING = sa.text("closed_at IS NULL")
_UNLEARNT = sa.text("NOT learnt")


def upgrade() -> None:
    op.create_table(
        "durations",
        sa.Column("item_code", sa.String(length=31), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("class", sa.Integer(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("item_code", "step", "quarter", "class"),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index("cases_by_time", ["submitted_at", "case_no"])
        batch_op.create_index("cases_of_item", ["item_code", "submitted_at", "case_no"])
        batch_op.create_index("cases_by_state", ["state", "submitted_at", "case_no"])
        batch_op.create_index("running_cases", ["due_on", "case_no"], postgresql_where=_RUNNING, sqlite_where=_RUNNING)
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("item_code", sa.String(length=31), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("submitted_at", chassis.db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("first_of_department", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE tasks SET item_code = (SELECT c.item_code FROM cases c WHERE c.case_no = tasks.case_no),"
        " submitted_at = (SELECT c.submitted_at FROM cases c WHERE c.case_no = tasks.case_no),"
        " first_of_department = NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_no = tasks.case_no"
        " AND t.department = tasks.department"
        " AND (t.assigned_at < tasks.assigned_at OR t.assigned_at = tasks.assigned_at AND t.task_id < tasks.task_id))"
    )
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index("open_tasks", postgresql_where=_OPEN, sqlite_where=_OPEN)
        batch_op.create_index(
            "open_tasks", ["department", "due_on", "task_id"], postgresql_where=_OPEN, sqlite_where=_OPEN
        )
        batch_op.create_index(
            "department_cases",
            ["department", "submitted_at", "case_no"],
            postgresql_where=_FIRST,
            sqlite_where=_FIRST,
        )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("learnt", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index("decisions_to_learn", ["case_no"], postgresql_where=_UNLEARNT, sqlite_where=_UNLEARNT)


def downgrade() -> None:
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index("decisions_to_learn", postgresql_where=_UNLEARNT, sqlite_where=_UNLEARNT)
        batch_op.drop_column("learnt")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index("department_cases", postgresql_where=_FIRST, sqlite_where=_FIRST)
        batch_op.drop_index("open_tasks", postgresql_where=_OPEN, sqlite_where=_OPEN)
        batch_op.create_index("open_tasks", ["department", "assigned_at"], postgresql_where=_OPEN, sqlite_where=_OPEN)
        batch_op.drop_column("first_of_department")
        batch_op.drop_column("submitted_at")
        batch_op.drop_column("item_code")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("running_cases", postgresql_where=_RUNNING, sqlite_where=_RUNNING)
        batch_op.drop_index("cases_by_state")
        batch_op.drop_index("cases_of_item")
        batch_op.drop_index("cases_by_time")
    op.drop_table("durations")
