"""Tables of workflow."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import BIG, Database, UtcDateTime

db = Database("workflow")

CASE_NO = sa.String(50)
OPTIONAL_JSON = sa.JSON(none_as_null=True)

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

# 暂停、恢复: what was told last, by the time of the news, counts.
suspensions = sa.Table(
    "suspensions",
    db.metadata,
    sa.Column("item_code", sa.String(31), primary_key=True),
    sa.Column("suspended", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("told_at", UtcDateTime, nullable=False),
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
    sa.Column("mode", sa.String(16), nullable=False, server_default="ordinary"),
    sa.Column("delivery_way", sa.String(16), nullable=False, server_default="electronic"),
    sa.Column("delivery", OPTIONAL_JSON),  # where to, and how it was handed over
    sa.Column("delivered_at", UtcDateTime),
    sa.Column("batch", sa.String(100)),
    sa.Column("eligibility", OPTIONAL_JSON),
    sa.Column("statutory_due_on", sa.Date),
    sa.Column("clock", OPTIONAL_JSON),  # what stopped and what extended it
    sa.Column("notice_by", sa.Date),
    sa.Column("correct_by", sa.Date),
    sa.Column("promises", OPTIONAL_JSON),
    sa.Column("renews_licence", sa.String(120)),
    sa.Column("renews_until", sa.Date),
    sa.Column("licence_until", sa.Date),
    sa.Column("wake_on", sa.Date),  # the last day of the next deadline; after it something happens by itself
    sa.Column("bundle_no", sa.String(50)),  # 一件事: the bundle that it was handed in with
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("event_seq", sa.Integer, nullable=False),
    sa.Index("cases_of_applicant", "applicant_id", "submitted_at", "case_no"),
    sa.Index("cases_by_time", "submitted_at", "case_no"),
    sa.Index("cases_of_item", "item_code", "submitted_at", "case_no"),
    sa.Index("cases_by_state", "state", "submitted_at", "case_no"),
)
_running = cases.c.closed_at.is_(None)
# With what they are counted by, so that nobody reads their rows for it.
_counted_by = (cases.c.item_code, cases.c.state)
sa.Index(
    "running_cases", cases.c.due_on, cases.c.case_no, *_counted_by, postgresql_where=_running, sqlite_where=_running
)
_awake = cases.c.wake_on.is_not(None)
sa.Index("cases_to_wake", cases.c.wake_on, cases.c.case_no, postgresql_where=_awake, sqlite_where=_awake)

_provisional = sa.and_(cases.c.provisional, _running)
sa.Index("provisional_cases", cases.c.case_no, postgresql_where=_provisional, sqlite_where=_provisional)

_bundled = cases.c.bundle_no.is_not(None)
sa.Index("cases_of_bundle", cases.c.bundle_no, postgresql_where=_bundled, sqlite_where=_bundled)

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
    sa.Column("assignee", sa.String(64)),  # the only officer who may answer; null: any of the department
    sa.Column("signatures", OPTIONAL_JSON),  # of a task that more than one officer must sign
    # Of the case, which never change them: lists of a department are read from one index.
    sa.Column("item_code", sa.String(31), nullable=False, server_default=""),
    sa.Column("submitted_at", UtcDateTime),
    sa.Column("first_of_department", sa.Boolean, nullable=False, server_default=sa.false()),  # in its case
    sa.Column("traceparent", sa.String(55)),  # the trace that it was assigned in, which its answer carries on
    sa.UniqueConstraint("case_no", "step", "round", name="one_task_per_step_and_round"),
)
_open = tasks.c.state == "open"
sa.Index("open_tasks", tasks.c.department, tasks.c.due_on, tasks.c.task_id, postgresql_where=_open, sqlite_where=_open)
_first = tasks.c.first_of_department
_department_cases = (tasks.c.department, tasks.c.submitted_at, tasks.c.case_no)
sa.Index("department_cases", *_department_cases, postgresql_where=_first, sqlite_where=_first)
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
    sa.Column("conditions", OPTIONAL_JSON),
)

decisions = sa.Table(
    "decisions",
    db.metadata,
    sa.Column("case_no", CASE_NO, sa.ForeignKey("cases.case_no"), primary_key=True),
    sa.Column("approved", sa.Boolean, nullable=False),
    sa.Column("decided_by", sa.String(120), nullable=False),
    sa.Column("decided_at", UtcDateTime, nullable=False),
    sa.Column("learnt", sa.Boolean, nullable=False, server_default=sa.false()),  # stands in durations
)
_unlearnt = ~decisions.c.learnt
sa.Index("decisions_to_learn", decisions.c.case_no, postgresql_where=_unlearnt, sqlite_where=_unlearnt)

# How long decided cases and their steps have taken: how many fell into which class of working hours.
durations = sa.Table(
    "durations",
    db.metadata,
    sa.Column("item_code", sa.String(31), primary_key=True),
    sa.Column("step", sa.String(40), primary_key=True),
    sa.Column("quarter", sa.Integer, primary_key=True),
    sa.Column("class", sa.Integer, primary_key=True),
    sa.Column("cases", sa.Integer, nullable=False),
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
    sa.Column("channel", sa.String(16)),  # by which the step was taken; null: by the platform itself
)

# An application that is still being written. It is the applicant's own note: no event tells of it.
drafts = sa.Table(
    "drafts",
    db.metadata,
    sa.Column("draft_id", sa.String(36), primary_key=True),
    sa.Column("owner_id", sa.String(64), nullable=False, index=True),
    sa.Column("item_code", sa.String(31), nullable=False),  # empty for a package, whose version it then is
    sa.Column("item_version", sa.Integer, nullable=False),
    sa.Column("package_code", sa.String(40)),
    sa.Column("form", sa.JSON, nullable=False),
    sa.Column("materials", sa.JSON, nullable=False),
    sa.Column("choices", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("step", sa.String(40), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
)

# 一件事: the service's own copy of published packages, and what was applied for with one.
packages = sa.Table(
    "packages",
    db.metadata,
    sa.Column("package_code", sa.String(40), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("definition", sa.LargeBinary, nullable=False),
)

package_retirements = sa.Table(
    "package_retirements",
    db.metadata,
    sa.Column("package_code", sa.String(40), primary_key=True),
    sa.Column("retired_on", sa.Date, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

bundles = sa.Table(
    "bundles",
    db.metadata,
    sa.Column("bundle_no", sa.String(50), primary_key=True),
    sa.Column("package_code", sa.String(40), nullable=False),
    sa.Column("package_version", sa.Integer, nullable=False),
    sa.Column("lead_department", sa.String(40), nullable=False),
    sa.Column("applicant_id", sa.String(64), nullable=False),
    sa.Column("submitted_at", UtcDateTime, nullable=False),
    sa.Column("decided_at", UtcDateTime),  # when the last of its cases was: all may be delivered at once (统一送达)
    sa.Column("left_out", OPTIONAL_JSON),  # items that the applicant does not qualify for, and why
    sa.Index("bundles_of_applicant", "applicant_id", "submitted_at"),
)

# Who is registered: ids alone. What identity knows of them stays there.
parties = sa.Table("parties", db.metadata, sa.Column("party_id", sa.String(64), primary_key=True))

# 预约: what departments offer, and what is booked. ``booked`` never passes ``capacity``: see the statement that takes a place.
appointment_slots = sa.Table(
    "appointment_slots",
    db.metadata,
    sa.Column("slot_id", sa.String(36), primary_key=True),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("venue", sa.String(100), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("opens", sa.String(5), nullable=False),
    sa.Column("closes", sa.String(5), nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("booked", sa.Integer, nullable=False),
    sa.Column("closed_because", sa.Text),
    sa.Column("published_by", sa.String(64), nullable=False),
    sa.UniqueConstraint("item_code", "venue", "day", "opens", name="one_slot_per_time"),
    sa.CheckConstraint("booked >= 0 AND booked <= capacity", name="slot_not_overbooked"),
)

appointments = sa.Table(
    "appointments",
    db.metadata,
    sa.Column("appointment_id", sa.String(36), primary_key=True),
    sa.Column("slot_id", sa.String(36), sa.ForeignKey("appointment_slots.slot_id"), nullable=False, index=True),
    sa.Column("item_code", sa.String(31), nullable=False),
    sa.Column("party_id", sa.String(64), nullable=False),
    sa.Column("case_no", CASE_NO),
    sa.Column("number", sa.String(8), nullable=False),  # that the citizen shows
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("booked_by", sa.String(64), nullable=False),
    sa.Column("booked_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("only_open", sa.String(120), unique=True),  # party with item or case while it is open: one at a time
    sa.Column("remind_on", sa.Date),  # until the reminder is told
    sa.Index("appointments_of_party", "party_id", "booked_at"),
)
_to_remind = appointments.c.remind_on.is_not(None)
sa.Index("appointments_to_remind", appointments.c.remind_on, postgresql_where=_to_remind, sqlite_where=_to_remind)

# 邮寄送达: what the courier carries for a case. Where to stands, sealed, in the case.
shipments = sa.Table(
    "shipments",
    db.metadata,
    sa.Column("case_no", CASE_NO, sa.ForeignKey("cases.case_no"), primary_key=True),
    sa.Column("round", sa.Integer, primary_key=True),  # what came back may be sent again
    sa.Column("courier", sa.String(60), nullable=False),
    sa.Column("tracking_no", sa.String(60)),  # null until the courier has given one
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("handed_over_by", sa.String(64), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("proof", OPTIONAL_JSON),  # 送达回证
    sa.Column("ask_at", UtcDateTime),  # when to ask the courier again; null: not at all
)
_asked = shipments.c.ask_at.is_not(None)
sa.Index("shipments_to_ask", shipments.c.ask_at, postgresql_where=_asked, sqlite_where=_asked)
