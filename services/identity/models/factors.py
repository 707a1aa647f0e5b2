"""Second factors, passwords, delays by address (migration 0005)."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import UtcDateTime
from services.identity.models.base import KEYED_HASH, db

totp_secrets = sa.Table(
    "totp_secrets",
    db.metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("sealed", sa.LargeBinary),  # in force; null until the first confirmation
    sa.Column("pending", sa.LargeBinary),  # shown to its owner, not confirmed yet
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("last_step", sa.BigInteger, nullable=False),
)

recovery_codes = sa.Table(
    "recovery_codes",
    db.metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("code_index", KEYED_HASH, primary_key=True),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),
)

passkeys = sa.Table(
    "passkeys",
    db.metadata,
    sa.Column("passkey_id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
    sa.Column("credential_id", sa.String(1400), nullable=False, unique=True),  # base64url of at most 1023 bytes
    sa.Column("public_key", sa.LargeBinary, nullable=False),  # COSE
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("backed_up", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
)

passkey_challenges = sa.Table(
    "passkey_challenges",
    db.metadata,
    sa.Column("challenge", sa.String(86), primary_key=True),  # base64url of 64 bytes
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("binding", KEYED_HASH, nullable=False),
    sa.Column("account_id", sa.String(64)),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

past_passwords = sa.Table(
    "past_passwords",
    db.metadata,
    sa.Column("past_id", sa.String(36), primary_key=True),  # UUIDv7: in the order of time
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
    sa.Column("password_hash", sa.String(200), nullable=False),
)

# By keyed hash of the network address. ``level`` is a bucket that every failure fills by one and every minute empties by one.
address_failures = sa.Table(
    "address_failures",
    db.metadata,
    sa.Column("address_index", KEYED_HASH, primary_key=True),
    sa.Column("level", sa.Float, nullable=False),
    sa.Column("last_failed_at", UtcDateTime, nullable=False, index=True),
    sa.Column("not_before", UtcDateTime, nullable=False),
)

# Devices and networks that an account was seen from, as keyed hashes; ``seen_at`` is the last time.
familiar_marks = sa.Table(
    "familiar_marks",
    db.metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("mark", KEYED_HASH, primary_key=True),
    sa.Column("seen_at", UtcDateTime, nullable=False, index=True),
)
