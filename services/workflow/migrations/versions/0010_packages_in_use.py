"""packages that are retired, and the items that a bundle leaves out"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "package_retirements",
        sa.Column("package_code", sa.String(40), nullable=False),
        sa.Column("retired_on", sa.Date, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("package_code"),
    )
    with op.batch_alter_table("bundles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("left_out", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    with op.batch_alter_table("bundles", schema=None) as batch_op:
        batch_op.drop_column("left_out")
    op.drop_table("package_retirements")
