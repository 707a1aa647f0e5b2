"""topics

Revision ID: 0003
Revises: 0002
"""

from alembic import op
import sqlalchemy as sa

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TOPICS = ("person_topics", "organisation_topics")


def upgrade() -> None:
    with op.batch_alter_table("item_versions", schema=None) as batch_op:
        for name in TOPICS:
            batch_op.add_column(sa.Column(name, sa.JSON(), server_default="[]", nullable=False))
    _fill(op.get_bind())


def _fill(connection) -> None:
    """What the definitions say, beside them."""
    versions = sa.table(
        "item_versions",
        sa.column("item_code", sa.String),
        sa.column("version", sa.Integer),
        sa.column("definition", sa.JSON),
        *(sa.column(name, sa.JSON) for name in TOPICS),
    )
    stored = connection.execute(sa.select(versions.c.item_code, versions.c.version, versions.c.definition)).all()
    for item_code, version, definition in stored:
        mine = sa.and_(versions.c.item_code == item_code, versions.c.version == version)
        topics = {name: definition.get(name, []) for name in TOPICS}
        connection.execute(sa.update(versions).where(mine).values(**topics))


def downgrade() -> None:
    with op.batch_alter_table("item_versions", schema=None) as batch_op:
        for name in reversed(TOPICS):
            batch_op.drop_column(name)
