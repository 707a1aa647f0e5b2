"""representation: both names where an agent acts for another"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("agent_name", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("applicant_name", sa.String(length=100), nullable=True))
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_name", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("for_name", sa.String(length=100), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("transitions", schema=None) as batch_op:
        batch_op.drop_column("for_name")
        batch_op.drop_column("by_name")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_column("applicant_name")
        batch_op.drop_column("agent_name")
