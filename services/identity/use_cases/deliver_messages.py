"""Send what is due. Rows are claimed in one transaction, sent outside any, and the outcome is written in another.

A process that dies in between leaves its claim to run out; the delivery then goes out again under the same id, by which the
provider knows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from chassis import clock
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.failpoints import failpoint
from services.identity.adapters.key_ring import VAULT
from services.identity.adapters.metrics import MESSAGES_FAILED, MESSAGES_SENT, MESSAGES_WAITING
from services.identity.adapters.party_keys import key_of
from services.identity.adapters.post_office import CONTACT, POST_OFFICE, Content
from services.identity.adapters.sending import Rejected, TryAgain
from services.identity.domain.messages import CHANNELS, Channel, next_attempt
from services.identity.domain.sensitive import Sensitive
from services.identity.models import contacts, db, delivery_attempts, message_deliveries, messages
from services.identity.use_cases.choose_messages import preferences_of

BATCH = 24
SENDERS = 8
CLAIM = timedelta(minutes=5)
"""Longer than a batch can take with every provider at its time limit."""


def deliver_due() -> int:
    """Claim and send one batch; returns how many were claimed."""
    with db.transaction() as tx:
        claimed = _claim(tx)
    failpoint("job.after_claim")
    if claimed:
        with ThreadPoolExecutor(SENDERS, "deliver") as pool:
            list(pool.map(_deliver, claimed))
    return len(claimed)


def count_waiting() -> None:
    """Set the gauge."""
    d = message_deliveries.c
    counts = sa.select(d.channel, sa.func.count().label("waiting")).where(d.state == "waiting").group_by(d.channel)
    with db.read() as connection:
        found = {row.channel: row.waiting for row in connection.execute(counts)}
    for channel in CHANNELS:
        MESSAGES_WAITING.labels(channel).set(found.get(channel, 0))


def _claim(tx: Tx) -> Sequence[Any]:
    d = message_deliveries.c
    due = (
        sa.select(message_deliveries, *(messages.c[n] for n in ("party_id", "fallback_party_id", "kind", "facts")))
        .join(messages, messages.c.message_id == d.message_id)
        .where(d.state == "waiting", d.due_at <= tx.now)
        .order_by(d.due_at, d.delivery_id)
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=message_deliveries)
    )
    claimed = tx.execute(due).fetchall()
    for row in claimed:
        mine = d.delivery_id == row.delivery_id
        tx.execute(sa.update(message_deliveries).where(mine).values(attempts=row.attempts + 1, due_at=tx.now + CLAIM))
    return claimed


def _deliver(row: Any) -> None:
    """One attempt, whatever comes of it."""
    address, language = _whereto(row)
    if address is None:
        _end(row, "no_contact", "no_contact", "")
        return
    try:
        provider_id = POST_OFFICE.send(row.channel, row.delivery_id, address, Content(row.kind, language, row.facts))
    except Rejected as rejected:
        _end(row, "failed", "rejected", str(rejected))
    except TryAgain as away:
        _end(row, "waiting", "not_taken", str(away))
    else:
        _end(row, "sent", "sent", "", provider_id)


def _whereto(row: Any) -> tuple[Sensitive | None, Any]:
    with db.read() as connection:
        language = preferences_of(connection, row.party_id or row.fallback_party_id).language
        if row.address_sealed is not None:
            return _opened(connection, row.fallback_party_id, CONTACT[row.channel], row.address_sealed), language
        for party_id in (row.party_id, row.fallback_party_id):
            if party_id is not None and (address := _contact(connection, party_id, row.channel)) is not None:
                return address, language
    return None, language


def _contact(reader: Any, party_id: str, channel: Channel) -> Sensitive | None:
    kind = CONTACT[channel]
    mine = sa.and_(contacts.c.party_id == party_id, contacts.c.kind == kind)
    sealed = reader.execute(sa.select(contacts.c.sealed).where(mine)).scalar_one_or_none()
    return None if sealed is None else _opened(reader, party_id, kind, sealed)


def _opened(reader: Any, party_id: str, kind: str, sealed: bytes) -> Sensitive | None:
    try:
        return key_of(reader, VAULT.get(), party_id).open(kind, sealed)
    except Refusal:  # erased meanwhile
        return None


def _end(row: Any, state: str, outcome: str, detail: str, provider_id: str | None = None) -> None:
    attempt = row.attempts + 1
    d = message_deliveries.c
    with db.transaction() as tx:
        held = tx.execute(sa.select(message_deliveries).where(d.delivery_id == row.delivery_id).with_for_update())
        if held.one_or_none() is None:  # its party was erased meanwhile
            return
        again = next_attempt(attempt, tx.now) if state == "waiting" else None
        if state == "waiting" and again is None:
            state = "failed"
        log = {
            "delivery_id": row.delivery_id, "attempt": attempt, "outcome": outcome, "detail": detail[:300],
            "provider_id": provider_id, "ended_at": tx.now,
        }  # fmt: skip
        tx.insert_new(delivery_attempts, [log], [delivery_attempts.c.attempt])
        # A claim that ran out meanwhile is another's by now, and this outcome is only for the log, unless it was sent.
        mine = sa.and_(d.delivery_id == row.delivery_id, d.state == "waiting")
        if state != "sent":
            mine = sa.and_(mine, d.attempts == attempt)
        values = {"state": state, "due_at": again or clock.now()}
        if state != "waiting":
            values |= {"address_sealed": None}
        changed = tx.execute(sa.update(message_deliveries).where(mine).values(**values)).rowcount
    if changed and state == "sent":
        MESSAGES_SENT.labels(row.channel).inc()
    elif changed and state == "failed":
        MESSAGES_FAILED.labels(row.channel).inc()
