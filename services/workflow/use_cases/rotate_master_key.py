"""轮换主密钥: the key of every address is wrapped anew; what it seals stays as it is."""

from __future__ import annotations

import sqlalchemy as sa

from services.workflow.adapters.addresses import ADDRESSES
from services.workflow.models import cases, db

AT_ONCE = 500
_POSTED = (
    sa.select(cases.c.case_no, cases.c.delivery)
    .where(cases.c.delivery_way == "post", cases.c.case_no > sa.bindparam("after"))
    .order_by(cases.c.case_no)
    .limit(AT_ONCE)
)


def rotate_master_key() -> int:
    """Make a new master key, wrap every address's key under it and drop the old ones; how many were wrapped.

    In transactions of its own, a batch each; it may be stopped and begun again while services run.
    """
    newest = ADDRESSES.add_master()
    wrapped = 0
    last: str | None = ""
    while last is not None:
        done, last = _rewrap_some(newest, last)
        wrapped += done
    ADDRESSES.drop_masters(set(range(1, newest)) - _in_use())
    return wrapped


def _rewrap_some(to: int, after: str) -> tuple[int, str | None]:
    """How many of the next batch were wrapped anew, and where to go on; None at the end."""
    wrapped = 0
    with db.transaction() as tx:
        rows = tx.execute(_POSTED.with_for_update(), {"after": after}).fetchall()
        for row in rows:
            renewed = ADDRESSES.rewrapped(row.case_no, row.delivery, to)
            if renewed is not None:
                tx.execute(sa.update(cases).where(cases.c.case_no == row.case_no).values(delivery=renewed))
                wrapped += 1
    return wrapped, rows[-1].case_no if len(rows) == AT_ONCE else None


def _in_use() -> set[int]:
    found, after = set(), ""
    with db.read() as connection:
        while rows := connection.execute(_POSTED, {"after": after}).fetchall():
            found |= {number for row in rows if (number := ADDRESSES.master_of(row.delivery)) is not None}
            after = rows[-1].case_no
    return found
