"""Tables of audit: the ledger and its tree, the signed checkpoints; clocks and cards of supervision; ratings and figures."""

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
IS_ACT = sa.text("type = 'administration.acted.v1'")  # literal: with a parameter no partial index is used
sa.Index("entries_of_acts", entries.c.seq, postgresql_where=IS_ACT, sqlite_where=IS_ACT)

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

# The largest checkpoint that each witness has cosigned: ``line`` is its signature line, ``cosigned_at`` by its own clock.
cosignatures = sa.Table(
    "cosignatures",
    db.metadata,
    sa.Column("witness", sa.Text, primary_key=True),
    sa.Column("size", BIG, nullable=False),
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("cosigned_at", UtcDateTime, nullable=False),
)

# A department's time on a task. ``judge_on`` is the next date on which judging it can change anything, NULL when none;
# ``ended_on`` the date on which the task or its case was known to have ended, NULL while it is open.
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
    sa.Column("ended_on", sa.Date),
)
sa.Index(
    "clocks_to_judge",
    clocks.c.judge_on,
    postgresql_where=clocks.c.judge_on.is_not(None),
    sqlite_where=clocks.c.judge_on.is_not(None),
)
sa.Index(
    "clocks_open",
    clocks.c.due_on,
    clocks.c.task_id,
    postgresql_where=clocks.c.ended_on.is_(None),
    sqlite_where=clocks.c.ended_on.is_(None),
)

# A task's last day as it was told last, where a special procedure moved it; the news may come before the task's own.
moved_clocks = sa.Table(
    "moved_clocks",
    db.metadata,
    sa.Column("task_id", sa.Text, primary_key=True),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("told_at", UtcDateTime, nullable=False),
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

# Where each case stands by the newest event known, ``caseseq``; ``state`` is NULL once it has ended.
case_states = sa.Table(
    "case_states",
    db.metadata,
    sa.Column("case_no", sa.Text, primary_key=True),
    sa.Column("caseseq", BIG, nullable=False),
    sa.Column("state", sa.String(32)),
    sa.Column("accepted", sa.Boolean, nullable=False),
)
sa.Index(
    "case_states_open",
    case_states.c.state,
    case_states.c.accepted,
    postgresql_where=case_states.c.state.is_not(None),
    sqlite_where=case_states.c.state.is_not(None),
)

# Cases that ended, by time. Written out in queries as well: with parameters no index of a part would be used.
_CASE_ENDS = ("closed", "denied", "not_accepted", "withdrawn", "deemed_withdrawn", "terminated")
_CASE_END_TYPES: list[sa.ColumnElement[str]] = [sa.literal_column(f"'case.{end}.v1'") for end in _CASE_ENDS]
CASE_ENDED = entries.c.type.in_(_CASE_END_TYPES)
sa.Index("entries_of_ends", entries.c.time, postgresql_where=CASE_ENDED, sqlite_where=CASE_ENDED)

# What was published of a month, named by its first day: made once, never changed.
open_editions = sa.Table(
    "open_editions",
    db.metadata,
    sa.Column("month", sa.Date, primary_key=True),
    sa.Column("k", sa.Integer, nullable=False),
    sa.Column("rows", sa.JSON, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
)

# One rating per case (一事一评). The comment may name people: it is shown to the applicant and to supervisors alone.
ratings = sa.Table(
    "ratings",
    db.metadata,
    sa.Column("case_no", sa.Text, primary_key=True),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("aspects", sa.JSON, nullable=False),
    sa.Column("comment", sa.Text),
    sa.Column("given_on", sa.Date, nullable=False),
    sa.Column("follow_up_by", sa.Date),
)
_bad = ratings.c.follow_up_by.is_not(None)
sa.Index("ratings_to_follow_up", ratings.c.follow_up_by, postgresql_where=_bad, sqlite_where=_bad)

# Counters, so that a figure costs the same however much was counted. ``whose`` is an item's or a department's code.
daily_figures = sa.Table(
    "daily_figures",
    db.metadata,
    sa.Column("figure", sa.String(20), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("whose", sa.Text, primary_key=True),
    sa.Column("number", BIG, nullable=False),
)

total_figures = sa.Table(
    "total_figures",
    db.metadata,
    sa.Column("figure", sa.String(20), primary_key=True),
    sa.Column("whose", sa.Text, primary_key=True),
    sa.Column("number", BIG, nullable=False),
)

# How far a connector has read the ledger, and how many batches it has made.
exchange_marks = sa.Table(
    "exchange_marks",
    db.metadata,
    sa.Column("connector", sa.String(20), primary_key=True),
    sa.Column("next_seq", BIG, nullable=False),
    sa.Column("batches", BIG, nullable=False),
)

# A batch is the records of the ledger's entries from ``from_seq`` to before ``to_seq``: what it says follows from them.
# ``state``: waiting, sent (the hub has taken it), confirmed (a reconciliation found it there, whole). ``digest`` is of what
# was sent last.
exchange_batches = sa.Table(
    "exchange_batches",
    db.metadata,
    sa.Column("batch_no", sa.String(40), primary_key=True),
    sa.Column("connector", sa.String(20), nullable=False),
    sa.Column("serial", BIG, nullable=False),
    sa.Column("from_seq", BIG, nullable=False),
    sa.Column("to_seq", BIG, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try_at", UtcDateTime, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("digest", sa.String(64)),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("resent", sa.Integer, nullable=False),
    sa.UniqueConstraint("connector", "serial", name="one_batch_per_serial"),
    sa.Index("exchange_batches_by_state", "connector", "state", "serial"),
)
