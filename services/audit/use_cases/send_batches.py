"""Hand batches to a hub in their order, and ask it later what it holds (对账).

The network is never waited for inside a transaction: a batch is claimed, sent, and then written down. Who dies in between
leaves a claim that runs out; the batch goes again under its number, of which a hub keeps one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from chassis.db import Tx
from chassis.loops import backoff_s
from services.audit import queries
from services.audit.adapters.connectors import Connector, HubFailed
from services.audit.adapters.metrics import BATCHES
from services.audit.domain.exchange import digest
from services.audit.domain.merkle import Span
from services.audit.models import db, exchange_batches

log = structlog.get_logger()

CLAIM = timedelta(seconds=60)
LONGEST_WAIT_S = 600.0
ASKED_AT_ONCE = 100


def send_waiting(connector: Connector) -> bool:
    """Send what waits, the oldest first; False when the hub did not take one, which then holds back those behind it."""
    while (batch := _claim(connector.name)) is not None:
        with db.read() as connection:
            entries = queries.exchange_records(connection, Span(batch.from_seq, batch.to_seq))
        records = [record for _, of_entry in entries for record in of_entry]
        try:
            connector.send(batch.batch_no, records)
        except HubFailed as error:
            _put_off(batch, str(error))
            return False
        with db.transaction() as tx:
            _note(tx, batch.batch_no, state="sent", sent_at=tx.now, digest=digest(records), error=None)
        BATCHES.labels(connector.name, "sent").inc()
    return True


def reconcile(connector: Connector) -> int:
    """Compare what was sent with what the hub holds. What it lacks, or holds differently, is sent again; returns how many."""
    with db.read() as connection:
        sent = queries.batches_to_confirm(connection, connector.name, limit=ASKED_AT_ONCE)
    if not sent:
        return 0
    held = connector.held([batch.batch_no for batch in sent])
    again = [batch for batch in sent if held.get(batch.batch_no, {}).get("digest") != batch.digest]
    with db.transaction() as tx:
        for batch in sent:
            if batch in again:
                why = "differs at the hub" if batch.batch_no in held else "not found at the hub"
                _note(tx, batch.batch_no, state="waiting", next_try_at=tx.now, error=why, resent=batch.resent + 1)
            else:
                _note(tx, batch.batch_no, state="confirmed", confirmed_at=tx.now)
    BATCHES.labels(connector.name, "confirmed").inc(len(sent) - len(again))
    BATCHES.labels(connector.name, "again").inc(len(again))
    return len(again)


def _claim(connector: str) -> Any | None:
    """The oldest batch that waits, if it is due; from now on it is ours for a minute."""
    with db.transaction() as tx:
        oldest = (
            sa.select(exchange_batches)
            .where(exchange_batches.c.connector == connector, exchange_batches.c.state == "waiting")
            .order_by(exchange_batches.c.serial)
            .limit(1)
            .with_for_update()
        )
        batch = tx.execute(oldest).one_or_none()
        if batch is None or batch.next_try_at > tx.now:
            return None
        _note(tx, batch.batch_no, next_try_at=tx.now + CLAIM, attempts=batch.attempts + 1)
        return batch


def _put_off(batch: Any, error: str) -> None:
    wait_s = backoff_s(batch.attempts + 1, base_s=5.0, ceiling_s=LONGEST_WAIT_S)
    log.warning("batch_not_taken", batch_no=batch.batch_no, attempts=batch.attempts + 1, error=error)
    BATCHES.labels(batch.connector, "failed").inc()
    with db.transaction() as tx:
        _note(tx, batch.batch_no, next_try_at=tx.now + timedelta(seconds=wait_s), error=error)


def _note(tx: Tx, batch_no: str, **values: Any) -> None:
    tx.execute(sa.update(exchange_batches).where(exchange_batches.c.batch_no == batch_no).values(**values))
