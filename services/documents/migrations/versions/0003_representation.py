"""representation: who really handed a material in; holders follow corrections and erasures"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("materials", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stored_by", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("agent_name", sa.String(length=100), nullable=True))
    with op.batch_alter_table("holders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("revision", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("holders", schema=None) as batch_op:
        batch_op.drop_column("revision")
    with op.batch_alter_table("materials", schema=None) as batch_op:
        batch_op.drop_column("agent_name")
        batch_op.drop_column("stored_by")
