"""the holders' numbers are sealed: under a key for each holder; what is here already is sealed as the service starts"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("holders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("key_master", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("key_wrapped", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("code_sealed", sa.LargeBinary(), nullable=True))
        batch_op.alter_column("code", existing_type=sa.String(length=32), nullable=True)


def downgrade() -> None:
    """Only for a database in which nothing was sealed yet: SQL has no key."""
    with op.batch_alter_table("holders", schema=None) as batch_op:
        batch_op.alter_column("code", existing_type=sa.String(length=32), nullable=False)
        batch_op.drop_column("code_sealed")
        batch_op.drop_column("key_wrapped")
        batch_op.drop_column("key_master")
