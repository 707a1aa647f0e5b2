"""Messages to people (migration 0006)."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.db import UtcDateTime
from services.identity.models.base import DEPARTMENT_CODE, PARTY_ID, db

# The service's own copy: whose case it is. ``submitter_id`` is the account that handed it in.
message_cases = sa.Table(
    "message_cases",
    db.metadata,
    sa.Column("case_no", sa.String(50), primary_key=True),
    sa.Column("party_id", PARTY_ID, nullable=False),
    sa.Column("submitter_id", sa.String(64), nullable=False),
    sa.Column("item_name", sa.String(200), nullable=False),
    sa.Column("heard_at", UtcDateTime, nullable=False),
)

# What was heard of a case, until it is known whose case it is: events come in any order.
message_notices = sa.Table(
    "message_notices",
    db.metadata,
    sa.Column("event_id", sa.String(36), primary_key=True),
    sa.Column("case_no", sa.String(50), nullable=False, index=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("heard_at", UtcDateTime, nullable=False),
)

# To a party, to a department, or to the owner of an account (security notices, which are about no case). ``facts`` fill the
# templates when the message is read or sent: names masked, no numbers.
# ``fallback_party_id`` handed the case in, and is reached when the party has no contact. Message ids are in the order of time.
messages = sa.Table(
    "messages",
    db.metadata,
    sa.Column("message_id", sa.String(36), primary_key=True),
    sa.Column("event_id", sa.String(36), nullable=False, unique=True),
    sa.Column("party_id", PARTY_ID),
    sa.Column("fallback_party_id", PARTY_ID),
    sa.Column("department", DEPARTMENT_CODE),
    sa.Column("account_id", sa.String(64)),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("case_no", sa.String(50)),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("read_at", UtcDateTime),
)
sa.Index("messages_of_party", messages.c.party_id, messages.c.message_id)
sa.Index("messages_of_department", messages.c.department, messages.c.message_id)
sa.Index("messages_of_account", messages.c.account_id, messages.c.message_id)

# ``delivery_id`` goes to the provider, so that what is sent twice arrives once. ``address_sealed``, under the key of the
# party that it belongs to, is where a warning goes although the contact has been changed since.
message_deliveries = sa.Table(
    "message_deliveries",
    db.metadata,
    sa.Column("delivery_id", sa.String(36), primary_key=True),
    sa.Column("message_id", sa.String(36), sa.ForeignKey("messages.message_id"), nullable=False),
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("address_sealed", sa.LargeBinary),
    sa.UniqueConstraint("message_id", "channel", name="one_delivery_per_channel"),
)
_waiting = message_deliveries.c.state == "waiting"
sa.Index("deliveries_due", message_deliveries.c.due_at, postgresql_where=_waiting, sqlite_where=_waiting)

delivery_attempts = sa.Table(
    "delivery_attempts",
    db.metadata,
    sa.Column("delivery_id", sa.String(36), sa.ForeignKey("message_deliveries.delivery_id"), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("detail", sa.String(300), nullable=False),
    sa.Column("provider_id", sa.String(100)),
    sa.Column("ended_at", UtcDateTime, nullable=False),
)

# ``off`` holds ``kind.channel``; quiet hours are HH:MM in Asia/Shanghai.
message_preferences = sa.Table(
    "message_preferences",
    db.metadata,
    sa.Column("party_id", PARTY_ID, primary_key=True),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("off", sa.JSON, nullable=False),
    sa.Column("quiet_from", sa.String(5)),
    sa.Column("quiet_until", sa.String(5)),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)
