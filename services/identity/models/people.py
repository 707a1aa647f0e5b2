"""Keys of persons, assurance, posts, delegation, personal data (migration 0004)."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import UtcDateTime
from services.identity.models.base import DEPARTMENT_CODE, KEYED_HASH, PARTY_ID, db

# ``wrapped`` is the party's data key under master key number ``master``; null once it is destroyed, which is the erasure.
party_keys = sa.Table(
    "party_keys",
    db.metadata,
    sa.Column("party_id", PARTY_ID, sa.ForeignKey("parties.party_id"), primary_key=True),
    sa.Column("master", sa.Integer, nullable=False, index=True),
    sa.Column("wrapped", sa.LargeBinary),
    sa.Column("destroyed_at", UtcDateTime),
)

# Only of minors under 14 (PIPL §28, §31): ``until`` is the 14th birthday. Nobody else's age is kept.
minors = sa.Table(
    "minors",
    db.metadata,
    sa.Column("party_id", PARTY_ID, sa.ForeignKey("parties.party_id"), primary_key=True),
    sa.Column("until", sa.Date, nullable=False),
)

# What a register was asked and why, and what it said. Names of the items only, never their values.
verifications = sa.Table(
    "verifications",
    db.metadata,
    sa.Column("verification_id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), nullable=False, index=True),
    sa.Column("party_id", PARTY_ID, nullable=False),
    sa.Column("register", sa.String(16), nullable=False),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("answer", sa.String(16), nullable=False),
    sa.Column("level_before", sa.Integer, nullable=False),
    sa.Column("level_after", sa.Integer, nullable=False),
    sa.Column("asked_by", sa.String(64), nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
)

posts = sa.Table(
    "posts",
    db.metadata,
    sa.Column("account_id", sa.String(64), sa.ForeignKey("accounts.account_id"), primary_key=True),
    sa.Column("code", sa.String(40), primary_key=True),
    sa.Column("from_on", sa.Date, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("department", DEPARTMENT_CODE, sa.ForeignKey("departments.code"), nullable=False),
    sa.Column("until_on", sa.Date),
)

# An offer names its grantee by name and number, so that nobody can find out who is registered; both are matched when it is
# accepted. ``items`` null is every item; ``from_on`` and ``until_on`` are days in Asia/Shanghai, both included.
delegations = sa.Table(
    "delegations",
    db.metadata,
    sa.Column("delegation_id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("grantor_id", PARTY_ID, sa.ForeignKey("parties.party_id"), nullable=False, index=True),
    sa.Column("grantee_name", sa.String(100), nullable=False),
    sa.Column("grantee_index", KEYED_HASH, nullable=False, index=True),
    sa.Column("grantee_id", PARTY_ID, sa.ForeignKey("parties.party_id"), index=True),
    sa.Column("items", sa.JSON(none_as_null=True)),
    sa.Column("actions", sa.JSON, nullable=False),
    sa.Column("from_on", sa.Date, nullable=False),
    sa.Column("until_on", sa.Date, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("offered_at", UtcDateTime, nullable=False),
    sa.Column("offered_by", sa.String(64), nullable=False),
    sa.Column("accepted_at", UtcDateTime),
    sa.Column("accepted_by", sa.String(64)),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("revoked_by", sa.String(64)),
)

# 谁看过我的信息: who was shown what of a party, and the reason given.
disclosures = sa.Table(
    "disclosures",
    db.metadata,
    sa.Column("disclosure_id", sa.String(36), primary_key=True),
    sa.Column("party_id", PARTY_ID, sa.ForeignKey("parties.party_id"), nullable=False, index=True),
    sa.Column("field", sa.String(32), nullable=False),
    sa.Column("seen_by", sa.String(64), nullable=False),
    sa.Column("seen_by_name", sa.String(100), nullable=False),
    sa.Column("department", DEPARTMENT_CODE),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

# ``sealed`` is in force; ``pending`` waits for the code that was sent to it.
contacts = sa.Table(
    "contacts",
    db.metadata,
    sa.Column("party_id", PARTY_ID, sa.ForeignKey("parties.party_id"), primary_key=True),
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("verified_at", UtcDateTime),
    sa.Column("pending", sa.LargeBinary),
    sa.Column("code_sealed", sa.LargeBinary),
    sa.Column("code_until", UtcDateTime),
    sa.Column("code_sent_at", UtcDateTime),
    sa.Column("tries", sa.Integer, nullable=False),
)

data_requests = sa.Table(
    "data_requests",
    db.metadata,
    sa.Column("request_id", sa.String(36), primary_key=True),
    sa.Column("party_id", PARTY_ID, sa.ForeignKey("parties.party_id"), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("details_sealed", sa.LargeBinary, nullable=False),
    sa.Column("asked_by", sa.String(64), nullable=False),
    sa.Column("asked_at", UtcDateTime, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("decided_by", sa.String(64)),
    sa.Column("decided_at", UtcDateTime),
)

# The service's own copy: which parties have a case that runs. A row goes when both its beginning and its end were heard.
running_cases = sa.Table(
    "running_cases",
    db.metadata,
    sa.Column("case_no", sa.String(50), primary_key=True),
    sa.Column("party_id", PARTY_ID, index=True),
)
