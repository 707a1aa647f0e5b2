"""several items at once, appointments, delivery by courier"""

import sqlalchemy as sa
from alembic import op

from chassis.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BUNDLED = sa.text("bundle_no IS NOT NULL")
_TO_REMIND = sa.text("remind_on IS NOT NULL")
_ASKED = sa.text("ask_at IS NOT NULL")


def upgrade() -> None:
    _packages()
    _appointments()
    op.create_table(
        "shipments",
        sa.Column("case_no", sa.String(length=50), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("courier", sa.String(length=60), nullable=False),
        sa.Column("tracking_no", sa.String(length=60), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("handed_over_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("proof", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("ask_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"]),
        sa.PrimaryKeyConstraint("case_no", "round"),
    )
    op.create_index("shipments_to_ask", "shipments", ["ask_at"], postgresql_where=_ASKED, sqlite_where=_ASKED)


def _packages() -> None:
    op.create_table(
        "packages",
        sa.Column("package_code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("package_code", "version"),
    )
    op.create_table(
        "bundles",
        sa.Column("bundle_no", sa.String(length=50), nullable=False),
        sa.Column("package_code", sa.String(length=40), nullable=False),
        sa.Column("package_version", sa.Integer(), nullable=False),
        sa.Column("lead_department", sa.String(length=40), nullable=False),
        sa.Column("applicant_id", sa.String(length=64), nullable=False),
        sa.Column("submitted_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("bundle_no"),
    )
    op.create_index("bundles_of_applicant", "bundles", ["applicant_id", "submitted_at"])
    op.create_table(
        "parties",
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("party_id"),
    )
    # Who has applied before is known; of the others identity tells (python -m services.identity retell-parties).
    op.execute("INSERT INTO parties (party_id) SELECT DISTINCT applicant_id FROM cases")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bundle_no", sa.String(length=50), nullable=True))
        batch_op.create_index("cases_of_bundle", ["bundle_no"], postgresql_where=_BUNDLED, sqlite_where=_BUNDLED)
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("package_code", sa.String(length=40), nullable=True))


def _appointments() -> None:
    op.create_table(
        "appointment_slots",
        sa.Column("slot_id", sa.String(length=36), nullable=False),
        sa.Column("item_code", sa.String(length=31), nullable=False),
        sa.Column("venue", sa.String(length=100), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opens", sa.String(length=5), nullable=False),
        sa.Column("closes", sa.String(length=5), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.Column("closed_because", sa.Text(), nullable=True),
        sa.Column("published_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("slot_id"),
        sa.UniqueConstraint("item_code", "venue", "day", "opens", name="one_slot_per_time"),
        sa.CheckConstraint("booked >= 0 AND booked <= capacity", name="slot_not_overbooked"),
    )
    op.create_table(
        "appointments",
        sa.Column("appointment_id", sa.String(length=36), nullable=False),
        sa.Column("slot_id", sa.String(length=36), nullable=False),
        sa.Column("item_code", sa.String(length=31), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("case_no", sa.String(length=50), nullable=True),
        sa.Column("number", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("booked_by", sa.String(length=64), nullable=False),
        sa.Column("booked_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("only_open", sa.String(length=120), nullable=True),
        sa.Column("remind_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["slot_id"], ["appointment_slots.slot_id"]),
        sa.PrimaryKeyConstraint("appointment_id"),
        sa.UniqueConstraint("only_open"),
    )
    op.create_index("ix_appointments_slot_id", "appointments", ["slot_id"])
    op.create_index("appointments_of_party", "appointments", ["party_id", "booked_at"])
    op.create_index(
        "appointments_to_remind", "appointments", ["remind_on"], postgresql_where=_TO_REMIND, sqlite_where=_TO_REMIND
    )


def downgrade() -> None:
    op.drop_table("shipments")
    op.drop_table("appointments")
    op.drop_table("appointment_slots")
    with op.batch_alter_table("drafts", schema=None) as batch_op:
        batch_op.drop_column("package_code")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("cases_of_bundle", postgresql_where=_BUNDLED, sqlite_where=_BUNDLED)
        batch_op.drop_column("bundle_no")
    op.drop_table("parties")
    op.drop_table("bundles")
    op.drop_table("packages")
