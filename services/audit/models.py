"""Tables of audit: the ledger and its tree, the signed checkpoints, the clocks and cards of supervision."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import BIG, Database, UtcDateTime

db = Database("audit")

# One row: how many entries the log has. Appending locks it, so that there is one writer at a time.
log_head = sa.Table(
    "log_head",
    db.metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", BIG, nullable=False),
)

# ``leaf`` is what is hashed: RFC 8785 canonical JSON. The other columns repeat what look-ups need and are checked
# against it before each signature. ``case_entry`` numbers a case's entries from 1, so that a gap shows.
entries = sa.Table(
    "entries",
    db.metadata,
    sa.Column("seq", BIG, primary_key=True, autoincrement=False),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("time", UtcDateTime, nullable=False),
    sa.Column("case_ref", sa.Text),
    sa.Column("case_entry", sa.Integer),
    sa.Column("caseseq", BIG),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("case_ref", "case_entry"),
)

# What opens an entry's commitment. Deleting a row erases the payload for good and leaves the ledger verifiable.
# ``payload`` is NULL for events that name a person: of those the ledger keeps the commitment alone.
openings = sa.Table(
    "openings",
    db.metadata,
    sa.Column("seq", BIG, primary_key=True, autoincrement=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.LargeBinary),
)

# Hashes of complete subtrees: level 0 are the leaves' hashes, (level, position) covers 2^level leaves.
nodes = sa.Table(
    "nodes",
    db.metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", BIG, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

# Random names for people in the ledger. Deleting a row cuts the tie between the person and the entries.
actors = sa.Table(
    "actors",
    db.metadata,
    sa.Column("actor", sa.Text, primary_key=True),
    sa.Column("pseudonym", sa.Text, nullable=False, unique=True),
)

# Whose case it is: that party may read its trail.
case_parties = sa.Table(
    "case_parties",
    db.metadata,
    sa.Column("case_no", sa.Text, primary_key=True),
    sa.Column("party", sa.Text, nullable=False),
)

checkpoints = sa.Table(
    "checkpoints",
    db.metadata,
    sa.Column("size", BIG, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("signed_at", UtcDateTime, nullable=False),
)

# A department's time on a task. ``judge_on`` is the next date on which judging it can change anything, NULL when none.
clocks = sa.Table(
    "clocks",
    db.metadata,
    sa.Column("task_id", sa.Text, primary_key=True),
    sa.Column("case_no", sa.Text, nullable=False, index=True),
    sa.Column("department", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("step_name", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("judge_on", sa.Date),
)
sa.Index(
    "clocks_to_judge",
    clocks.c.judge_on,
    postgresql_where=clocks.c.judge_on.is_not(None),
    sqlite_where=clocks.c.judge_on.is_not(None),
)

# What stopped a clock: ``subject`` is a task or a whole case. The earliest counts, in whatever order they arrive.
ends = sa.Table(
    "ends",
    db.metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("how", sa.Text, primary_key=True),
    sa.Column("ended_at", UtcDateTime, nullable=False),
)

# ``revoked_at`` (撤销): the card was raised before the news came that the task had been answered in time.
cards = sa.Table(
    "cards",
    db.metadata,
    sa.Column("position", BIG, primary_key=True, autoincrement=True),
    sa.Column("card_no", sa.Text, nullable=False, unique=True),
    sa.Column("case_no", sa.Text, nullable=False, index=True),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("department", sa.Text, nullable=False),
    sa.Column("level", sa.String(10), nullable=False),
    sa.Column("rule", sa.String(10), nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Column("raised_on", sa.Date, nullable=False),
    sa.Column("raised_at", UtcDateTime, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.UniqueConstraint("task_id", "level", "rule"),
    sa.Index("cards_of_department", "department", "position"),
)
