"""The OpenID provider: keys, relying parties, sessions, grants."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import UtcDateTime
from services.identity.models.base import KEYED_HASH, db

# Private halves are sealed under the data key: the database alone signs nothing.
signing_keys = sa.Table(
    "signing_keys",
    db.metadata,
    sa.Column("key_id", sa.String(64), primary_key=True),
    sa.Column("private_sealed", sa.LargeBinary, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("signs_from", UtcDateTime, nullable=False),
    sa.Column("verifies_until", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
)

# Websites and programs that people sign in to; ``clients`` above are systems that come by themselves.
relying_parties = sa.Table(
    "relying_parties",
    db.metadata,
    sa.Column("client_id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("name_en", sa.String(100), nullable=False),
    sa.Column("first_party", sa.Boolean, nullable=False),
    sa.Column("authentication", sa.String(32), nullable=False),
    sa.Column("secret_hash", sa.String(200)),
    sa.Column("jwks", sa.JSON),
    sa.Column("keys_of", sa.String(32)),
    sa.Column("redirect_uris", sa.JSON, nullable=False),
    sa.Column("post_logout_redirect_uris", sa.JSON, nullable=False),
    sa.Column("scope", sa.String(500), nullable=False),
    sa.Column("backchannel_logout_uri", sa.String(2000)),
    sa.Column("registered_at", UtcDateTime, nullable=False),
)

# ``session_id`` is the claim ``sid`` and no secret; the cookie is, and only its hash is kept. ``outside`` is the provider that
# let the person in; tokens then say no more than the assurance level ``level_cap``.
sessions = sa.Table(
    "sessions",
    db.metadata,
    sa.Column("session_id", sa.String(64), primary_key=True),
    sa.Column("cookie_hash", KEYED_HASH, nullable=False, unique=True),
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
    sa.Column("client_id", sa.String(64)),
    sa.Column("amr", sa.JSON, nullable=False),
    sa.Column("auth_time", UtcDateTime, nullable=False, index=True),
    sa.Column("last_seen", UtcDateTime, nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("agent", sa.String(300), nullable=False),
    sa.Column("outside", sa.String(32)),
    sa.Column("level_cap", sa.Integer),
    sa.Column("ended_at", UtcDateTime, index=True),
)

# What a person let a client have: its one code, and the family of its refresh tokens.
grants = sa.Table(
    "grants",
    db.metadata,
    sa.Column("grant_id", sa.String(36), primary_key=True),
    sa.Column("session_id", sa.String(64), sa.ForeignKey("sessions.session_id"), nullable=False, index=True),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("scope", sa.String(500), nullable=False),
    sa.Column("redirect_uri", sa.String(2000), nullable=False),
    sa.Column("nonce", sa.String(500)),
    sa.Column("amr", sa.JSON, nullable=False),
    sa.Column("auth_time", UtcDateTime, nullable=False),
    sa.Column("code_challenge", sa.String(43), nullable=False),
    sa.Column("code_hash", KEYED_HASH, nullable=False, unique=True),
    sa.Column("granted_at", UtcDateTime, nullable=False, index=True),
    sa.Column("redeemed_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime, index=True),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    db.metadata,
    sa.Column("token_hash", KEYED_HASH, primary_key=True),
    sa.Column("grant_id", sa.String(36), sa.ForeignKey("grants.grant_id"), nullable=False, index=True),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),
)

# One row per scope that a person lets a third party have.
consents = sa.Table(
    "consents",
    db.metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("client_id", sa.String(64), primary_key=True),
    sa.Column("scope", sa.String(64), primary_key=True),
    sa.Column("given_at", UtcDateTime, nullable=False),
)

# Client assertions and forms that were taken once; ``expires_at`` is when they would be refused anyway.
used_once = sa.Table(
    "used_once",
    db.metadata,
    sa.Column("token_hash", KEYED_HASH, primary_key=True),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# 退出通知: a client with a back-channel address is told of a session's end, once for each; ``due_at`` null is no more.
logout_notices = sa.Table(
    "logout_notices",
    db.metadata,
    sa.Column("notice_id", sa.String(36), primary_key=True),
    sa.Column("client_id", sa.String(64), nullable=False),
    sa.Column("session_id", sa.String(64), nullable=False),
    sa.Column("account_id", sa.String(64), nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime, index=True),
    sa.Column("delivered_at", UtcDateTime),
    sa.Column("problem", sa.String(200)),
    sa.UniqueConstraint("client_id", "session_id"),
)

# 外部身份: whom an outside provider knows the account's owner as, and by what it was proven that they are one.
outside_identities = sa.Table(
    "outside_identities",
    db.metadata,
    sa.Column("provider", sa.String(32), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
    sa.Column("proven_by", sa.String(16), nullable=False),
    sa.Column("linked_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("provider", "account_id"),
)

# Browsers that are away at an outside provider: ``state`` and the browser's cookie are secrets, so only hashes are kept.
outside_flows = sa.Table(
    "outside_flows",
    db.metadata,
    sa.Column("state_hash", KEYED_HASH, primary_key=True),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("browser_hash", KEYED_HASH, nullable=False),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("begun_at", UtcDateTime, nullable=False, index=True),
)
