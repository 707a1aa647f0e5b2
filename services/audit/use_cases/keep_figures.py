"""Keep what figures and the board show: where each case stands, and how many of everything there were.

The counters of a day are rows that every batch writes, so they come last, and all rows in one order: two consumers wait
for each other for a moment, and never in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis.bus import Delivery
from chassis.db import Tx
from services.audit.domain.figures import COUNTED, tally
from services.audit.domain.progress import AFTER, progress_of
from services.audit.domain.supervision import china_date
from services.audit.models import case_states, daily_figures, db, total_figures


def keep_figures(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Follow the cases and count; the day of an event is its own, whenever it arrives."""
    moves = [(d.event, d.envelope.caseseq or 0) for d in deliveries if type(d.event) in AFTER]
    told = [(d.event, china_date(d.envelope.time)) for d in deliveries if type(d.event) in COUNTED]
    rows = [
        {"case_no": case_no, "caseseq": known.caseseq, "state": known.state, "accepted": known.accepted}
        for case_no, known in sorted(progress_of(moves).items())
    ]
    if rows:
        tx.execute(_keep_newest(), rows)
    daily = tally(told)
    totals: Counter[tuple[str, str]] = Counter()
    for (figure, _, whose), number in daily.items():
        totals[figure, whose] += number
    _add(
        tx,
        daily_figures,
        [{"figure": f, "day": day, "whose": whose, "number": n} for (f, day, whose), n in sorted(daily.items())],
    )
    _add(tx, total_figures, [{"figure": f, "whose": whose, "number": n} for (f, whose), n in sorted(totals.items())])


def _insert(table: sa.Table) -> Any:
    return postgresql.insert(table) if db.is_postgresql else sqlite.insert(table)


def _keep_newest() -> Any:
    """A case's newer state takes the place of the older one; acceptance, once known, stays known."""
    insert, known = _insert(case_states), case_states.c
    news = insert.excluded
    newer = news.caseseq > known.caseseq
    return insert.on_conflict_do_update(
        index_elements=[known.case_no],
        set_={
            "caseseq": sa.case((newer, news.caseseq), else_=known.caseseq),
            "state": sa.case((newer, news.state), else_=known.state),
            "accepted": sa.or_(known.accepted, news.accepted),
        },
        where=sa.or_(newer, sa.and_(news.accepted, sa.not_(known.accepted))),
    )


def _add(tx: Tx, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Raise the counters by ``number``; those that do not exist begin with it."""
    if not rows:
        return
    insert = _insert(table)
    raised = table.c.number + insert.excluded.number
    tx.execute(
        insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_={"number": raised}),
        list(rows),
    )
