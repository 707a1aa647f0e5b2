"""Tables of workflow."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import BIG, Database, UtcDateTime

db = Database("workflow")

CASE_NO = sa.String(50)

items = sa.Table(
    "items",
    db.metadata,
    sa.Column("item_code", sa.String(31), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("definition", sa.LargeBinary, nullable=False),
)

retirements = sa.Table(
    "retirements",
    db.metadata,
    sa.Column("item_code", sa.String(31), primary_key=True),
    sa.Column("retired_on", sa.Date, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

case_numbers = sa.Table(
    "case_numbers",
    db.metadata,
    sa.Column("item_code", sa.String(31), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("reserved", sa.Integer, nullable=False),
)

cases = sa.Table(
    "cases",
    db.metadata,
    sa.Column("case_no", CASE_NO, primary_key=True),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("item_version", sa.Integer, nullable=False),
    sa.Column("applicant_id", sa.String(64), nullable=False),
    sa.Column("submitted_by", sa.String(64), nullable=False),
    sa.Column("agent_name", sa.String(100)),
    sa.Column("applicant_name", sa.String(100)),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("form", sa.JSON, nullable=False),
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("submitted_at", UtcDateTime, nullable=False),
    sa.Column("accept_by", sa.Date, nullable=False),
    sa.Column("accepted_on", sa.Date),
    sa.Column("due_on", sa.Date),
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("correction_used", sa.Boolean, nullable=False),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("decided_by", sa.String(120)),
    sa.Column("decision_reason", sa.Text),
    sa.Column("licence_no", sa.String(120)),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("event_seq", sa.Integer, nullable=False),
    sa.Index("cases_of_applicant", "applicant_id", "submitted_at", "case_no"),
)

case_materials = sa.Table(
    "case_materials",
    db.metadata,
    sa.Column("position", BIG, primary_key=True, autoincrement=True),
    sa.Column("case_no", CASE_NO, sa.ForeignKey("cases.case_no"), nullable=False, index=True),
    sa.Column("code", sa.String(40), nullable=False),
    sa.Column("material_id", sa.String(64), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("size_bytes", BIG, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("handed_in_at", UtcDateTime, nullable=False),
)

tasks = sa.Table(
    "tasks",
    db.metadata,
    sa.Column("task_id", sa.String(120), primary_key=True),
    sa.Column("case_no", CASE_NO, sa.ForeignKey("cases.case_no"), nullable=False),
    sa.Column("step", sa.String(40), nullable=False),
    sa.Column("step_name", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("department", sa.String(40), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("assigned_at", UtcDateTime, nullable=False),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("ring_at", UtcDateTime, nullable=False),
    sa.Column("rings", sa.Integer, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.UniqueConstraint("case_no", "step", "round", name="one_task_per_step_and_round"),
)
_open = tasks.c.state == "open"
sa.Index("open_tasks", tasks.c.department, tasks.c.assigned_at, postgresql_where=_open, sqlite_where=_open)
_answered = tasks.c.state == "answered"
sa.Index("answered_tasks", tasks.c.department, tasks.c.closed_at, postgresql_where=_answered, sqlite_where=_answered)
_silent = sa.and_(_open, tasks.c.acknowledged_at.is_(None))
sa.Index("tasks_to_ring", tasks.c.ring_at, postgresql_where=_silent, sqlite_where=_silent)

opinions = sa.Table(
    "opinions",
    db.metadata,
    sa.Column("task_id", sa.String(120), sa.ForeignKey("tasks.task_id"), primary_key=True),
    sa.Column("case_no", CASE_NO, nullable=False, index=True),
    sa.Column("verdict", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("defects", sa.JSON, nullable=False),
    sa.Column("officer", sa.String(120)),
    sa.Column("account_id", sa.String(64)),  # the officer's; null when a department's system answered
    sa.Column("given_at", UtcDateTime, nullable=False),
)

decisions = sa.Table(
    "decisions",
    db.metadata,
    sa.Column("case_no", CASE_NO, sa.ForeignKey("cases.case_no"), primary_key=True),
    sa.Column("approved", sa.Boolean, nullable=False),
    sa.Column("decided_by", sa.String(120), nullable=False),
    sa.Column("decided_at", UtcDateTime, nullable=False),
)

transitions = sa.Table(
    "transitions",
    db.metadata,
    sa.Column("case_no", CASE_NO, sa.ForeignKey("cases.case_no"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("before", sa.String(32)),
    sa.Column("after", sa.String(32), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String(120), nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("rule", sa.String(80), nullable=False),
    sa.Column("by_name", sa.String(100)),
    sa.Column("for_name", sa.String(100)),
)

# An application that is still being written. It is the applicant's own note: no event tells of it.
drafts = sa.Table(
    "drafts",
    db.metadata,
    sa.Column("draft_id", sa.String(36), primary_key=True),
    sa.Column("owner_id", sa.String(64), nullable=False, index=True),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("item_version", sa.Integer, nullable=False),
    sa.Column("form", sa.JSON, nullable=False),
    sa.Column("materials", sa.JSON, nullable=False),
    sa.Column("step", sa.String(40), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
)
