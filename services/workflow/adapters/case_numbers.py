"""办件编号: 实施编码(31) + YYYYMMDD + a serial of the day, at least four digits.

Serials are reserved in blocks by a transaction of their own, so that applications for one item do not queue on one
row. What a stopped process had reserved stays unused: numbers are unique, not gapless.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import date
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.workflow.models import case_numbers, db

BLOCK = 20

_lock = threading.Lock()
_reserved: WeakKeyDictionary[sa.Engine, dict[tuple[str, date], deque[int]]] = WeakKeyDictionary()


def next_case_no(item_code: str, today: date) -> str:
    """A number that no other case has."""
    with _lock:
        blocks = _reserved.setdefault(db.engine, {})
        for stale in [key for key in blocks if key[1] < today]:
            del blocks[stale]
        block = blocks.setdefault((item_code, today), deque())
        if not block:
            block.extend(_reserve(item_code, today))
        serial = block.popleft()
    return f"{item_code}{today:%Y%m%d}{serial:04d}"


def _reserve(item_code: str, day: date) -> range:
    insert = postgresql.insert if db.is_postgresql else sqlite.insert
    statement = (
        insert(case_numbers)
        .values(item_code=item_code, day=day, reserved=BLOCK)
        .on_conflict_do_update(
            index_elements=[case_numbers.c.item_code, case_numbers.c.day],
            set_={"reserved": case_numbers.c.reserved + BLOCK},
        )
        .returning(case_numbers.c.reserved)
    )
    with db.transaction() as tx:
        last = tx.execute(statement).scalar_one()
    return range(last - BLOCK + 1, last + 1)
