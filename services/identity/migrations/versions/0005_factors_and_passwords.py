"""second factors, passwords, delays by address"""

import sqlalchemy as sa
from alembic import op

import chassis.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("password_set_at", chassis.db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("password_temporary", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
    op.execute("UPDATE accounts SET password_set_at = opened_at")
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.alter_column("password_set_at", nullable=False)
        batch_op.alter_column("password_temporary", server_default=None)
    op.create_table(
        "totp_secrets",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("pending", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed_at", chassis.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("code_index", sa.String(length=64), nullable=False),
        sa.Column("made_at", chassis.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("used_at", chassis.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        sa.PrimaryKeyConstraint("account_id", "code_index"),
    )
    op.create_table(
        "passkeys",
        sa.Column("passkey_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", chassis.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", chassis.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        sa.PrimaryKeyConstraint("passkey_id"),
        sa.UniqueConstraint("credential_id"),
    )
    with op.batch_alter_table("passkeys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passkeys_account_id"), ["account_id"], unique=False)
    op.create_table(
        "passkey_challenges",
        sa.Column("challenge", sa.String(length=86), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("binding", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=True),
        sa.Column("expires_at", chassis.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("challenge"),
    )
    with op.batch_alter_table("passkey_challenges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passkey_challenges_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "past_passwords",
        sa.Column("past_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"]),
        sa.PrimaryKeyConstraint("past_id"),
    )
    with op.batch_alter_table("past_passwords", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_past_passwords_account_id"), ["account_id"], unique=False)
    op.create_table(
        "address_failures",
        sa.Column("address_index", sa.String(length=64), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("last_failed_at", chassis.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("not_before", chassis.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address_index"),
    )
    with op.batch_alter_table("address_failures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_address_failures_last_failed_at"), ["last_failed_at"], unique=False)


def downgrade() -> None:
    for table in (
        "address_failures",
        "past_passwords",
        "passkey_challenges",
        "passkeys",
        "recovery_codes",
        "totp_secrets",
    ):
        op.drop_table(table)
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_column("password_temporary")
        batch_op.drop_column("password_set_at")
