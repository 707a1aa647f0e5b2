"""licences counted by how they ended"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    op.create_index("licences_by_end", "licences", ["valid_until", "revoked_on"], **_where("valid_until IS NOT NULL"))
    op.create_index("licences_revoked", "licences", ["revoked_on"], **_where("revoked_on IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("licences_revoked", table_name="licences", **_where("revoked_on IS NOT NULL"))
    op.drop_index("licences_by_end", table_name="licences", **_where("valid_until IS NOT NULL"))
