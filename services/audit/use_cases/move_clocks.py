"""Move the last days of tasks whose case stood still for a while, in whatever order the news comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis.among import among
from chassis.db import Tx
from services.audit.models import clocks, db, moved_clocks

_MOVED = sa.select(moved_clocks.c.task_id, moved_clocks.c.due_on).where(among(moved_clocks.c.task_id, "tasks"))
_MOVE = (
    sa.update(clocks)
    .where(clocks.c.task_id == sa.bindparam("task"), clocks.c.ended_on.is_(None))
    .values(due_on=sa.bindparam("new_due_on"), judge_on=sa.bindparam("new_due_on"))
)


def move_clocks(tx: Tx, moves: Sequence[tuple[str, date, datetime]]) -> None:
    """``moves``: task, its new last day, when that was told. The latest counts."""
    newest: dict[str, tuple[date, datetime]] = {}
    for task_id, due_on, told_at in sorted(moves, key=lambda move: move[2]):
        newest[task_id] = due_on, told_at
    if not newest:
        return
    insert = (postgresql.insert if db.is_postgresql else sqlite.insert)(moved_clocks)
    keep = insert.on_conflict_do_update(
        index_elements=[moved_clocks.c.task_id],
        set_={"due_on": insert.excluded.due_on, "told_at": insert.excluded.told_at},
        where=insert.excluded.told_at > moved_clocks.c.told_at,
    )
    rows = [{"task_id": task, "due_on": due_on, "told_at": at} for task, (due_on, at) in sorted(newest.items())]
    tx.execute(keep, rows)
    apply_moves(tx, newest)


def apply_moves(tx: Tx, task_ids: Iterable[str]) -> None:
    """Give clocks that run the last days told for them."""
    told = tx.execute(_MOVED, {"tasks": sorted(task_ids)}).fetchall()
    if told:
        tx.execute(_MOVE, [{"task": row.task_id, "new_due_on": row.due_on} for row in told])
