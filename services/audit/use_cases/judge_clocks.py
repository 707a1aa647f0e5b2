"""Judge departments' clocks and raise cards, each once, however often and from wherever it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from chassis.among import among
from chassis.db import Tx
from chassis.failpoints import failpoint
from contracts.envelope import Envelope
from contracts.supervision import CardRevoked
from services.audit.domain.supervision import (
    LATE_ANSWER,
    Judgement,
    card_number,
    china_date,
    judge_task,
    late_answer_detail,
)
from services.audit.models import cards, clocks, ends
from services.audit.use_cases.raise_cards import raise_cards

BATCH = 500

_ENDED = (
    sa.select(clocks)
    .where(sa.or_(among(clocks.c.task_id, "subjects"), among(clocks.c.case_no, "subjects")))
    .order_by(clocks.c.task_id)
    .with_for_update()
)
_EARLIEST = (
    sa.select(ends.c.subject, sa.func.min(ends.c.ended_at).label("at"))
    .where(among(ends.c.subject, "subjects"))
    .group_by(ends.c.subject)
)
_REVOKE = (
    sa.update(cards)
    .where(among(cards.c.task_id, "tasks"), cards.c.rule == LATE_ANSWER, cards.c.level == sa.bindparam("of_level"))
    .where(cards.c.revoked_at.is_(None))
    .values(revoked_at=sa.bindparam("now"))
    .returning(cards.c.card_no, cards.c.case_no, cards.c.department, cards.c.task_id)
)
_MOVE = (
    sa.update(clocks)
    .where(clocks.c.task_id == sa.bindparam("task"))
    .values(judge_on=sa.bindparam("new_judge_on"), ended_on=sa.bindparam("new_ended_on"))
)


def judge_due(tx: Tx) -> bool:
    """Judge clocks whose day has come; True if there may be more. Several processes share the work."""
    due = sa.select(clocks).where(clocks.c.judge_on <= china_date(tx.now)).order_by(clocks.c.judge_on, clocks.c.task_id)
    rows = tx.execute(due.limit(BATCH).with_for_update(skip_locked=True)).fetchall()
    failpoint("job.after_claim")
    _judge(tx, rows, {})
    return len(rows) == BATCH


def judge_ended(tx: Tx, because: Mapping[str, Envelope]) -> None:
    """Judge the clocks of ended tasks or cases by the moment they ended. ``because``: their number -> what told it."""
    _judge(tx, tx.execute(_ENDED, {"subjects": sorted(because)}).fetchall(), because)


def _judge(tx: Tx, rows: Sequence[Any], because: Mapping[str, Envelope]) -> None:
    if not rows:
        return
    today = china_date(tx.now)
    ended = _ended_on(tx, rows)
    judged = [(row, judge_task(row.due_on, ended_on=ended.get(row.task_id), today=today)) for row in rows]
    causes = {row.task_id: because.get(row.task_id) or because.get(row.case_no) for row in rows}
    raise_cards(tx, [(_card(r, level), causes[r.task_id]) for r, judgement in judged for level in judgement.levels])
    _revoke(tx, [(row.task_id, judgement) for row, judgement in judged if row.task_id in ended])
    moved = [
        {"task": row.task_id, "new_judge_on": judgement.judge_on, "new_ended_on": ended.get(row.task_id)}
        for row, judgement in judged
        if (row.judge_on, row.ended_on) != (judgement.judge_on, ended.get(row.task_id))
    ]
    if moved:
        tx.execute(_MOVE, moved)


def _ended_on(tx: Tx, rows: Sequence[Any]) -> dict[str, date]:
    """Task -> date on which the earliest of its ends, or its case's, fell."""
    subjects = sorted({row.task_id for row in rows} | {row.case_no for row in rows})
    at = {row.subject: row.at for row in tx.execute(_EARLIEST, {"subjects": subjects})}
    found = {}
    for row in rows:
        times = [at[subject] for subject in (row.task_id, row.case_no) if subject in at]
        if times:
            found[row.task_id] = china_date(min(times))
    return found


ANSWERED_IN_TIME = "任务已按期答复 / the task was answered in time"


def _revoke(tx: Tx, judged: Sequence[tuple[str, Judgement]]) -> None:
    """Take back cards that were raised before the news of a timely answer had come (撤销)."""
    for level in ("yellow", "red"):
        unearned = [task_id for task_id, judgement in judged if level not in judgement.levels]
        if not unearned:
            continue
        revoked = tx.execute(_REVOKE, {"tasks": unearned, "of_level": level, "now": tx.now})
        for card in revoked:
            tx.tell(CardRevoked(**card._mapping, reason=ANSWERED_IN_TIME))


def _card(row: Any, level: Any) -> dict[str, Any]:
    return {
        "card_no": card_number(LATE_ANSWER, level, row.task_id),
        "case_no": row.case_no,
        "task_id": row.task_id,
        "department": row.department,
        "level": level,
        "rule": LATE_ANSWER,
        "due_on": row.due_on,
        "detail": late_answer_detail(
            level, department=row.department, step=row.step, step_name=row.step_name, due_on=row.due_on
        ),
    }
