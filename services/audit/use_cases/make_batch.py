"""Gather what the ledger has told since the last batch into the next one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from services.audit import queries
from services.audit.domain.exchange import batch_number
from services.audit.domain.merkle import Span
from services.audit.domain.supervision import china_date
from services.audit.models import exchange_batches, exchange_marks

LONGEST_READ = 2_000  # entries in one transaction, whether they are reported or not


def make_batch(tx: Tx, connector: str, records: int) -> bool:
    """Make a batch of at most about ``records`` records; True if the ledger holds more that has not been looked at.

    One entry's records are never divided. Two processes may try at once: the mark's row is locked.
    """
    mark = _lock_mark(tx, connector)
    head = queries.ledger_size(tx.connection)
    found, end = 0, int(mark.next_seq)
    for seq, of_entry in queries.exchange_records(tx.connection, Span(end, min(head, end + LONGEST_READ))):
        found, end = found + len(of_entry), seq + 1
        if found >= records:
            break
    if end == mark.next_seq:
        return False
    serial = mark.batches + bool(found)
    if found:
        _add(tx, connector, serial, Span(mark.next_seq, end), found)
    mine = exchange_marks.c.connector == connector
    tx.execute(sa.update(exchange_marks).where(mine).values(next_seq=end, batches=serial))
    return end < head


def _lock_mark(tx: Tx, connector: str) -> Any:
    tx.insert_new(exchange_marks, [{"connector": connector, "next_seq": 0, "batches": 0}], [exchange_marks.c.connector])
    mine = exchange_marks.c.connector == connector
    return tx.execute(sa.select(exchange_marks).where(mine).with_for_update()).one()


def _add(tx: Tx, connector: str, serial: int, span: Span, records: int) -> None:
    row = {
        "batch_no": batch_number(connector, china_date(tx.now), serial),
        "connector": connector,
        "serial": serial,
        "from_seq": span.start,
        "to_seq": span.end,
        "records": records,
        "state": "waiting",
        "made_at": tx.now,
        "attempts": 0,
        "next_try_at": tx.now,
        "resent": 0,
    }
    tx.insert(exchange_batches, [row])
