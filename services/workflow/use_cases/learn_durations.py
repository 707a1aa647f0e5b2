"""Learn from decided cases how long they and their steps took, each once: what is read later is a sum, never a scan."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from chassis.among import among
from chassis.db import Tx
from services.workflow.adapters.durations import DurationKey, add_durations
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain.deadline import law_date
from services.workflow.domain.history import WHOLE_CASE, class_of, quarter_of
from services.workflow.domain.states import CaseState, TaskState
from services.workflow.domain.worktime import working_hours
from services.workflow.models import cases, decisions, tasks, transitions

BATCH = 200
STANDS_STILL = (CaseState.AWAITING_CORRECTION, CaseState.SPECIAL_PROCEDURE)
"""The time in them is no work of the departments."""
DECIDED = (CaseState.APPROVED, CaseState.DENIED)

_CLAIMED = (
    sa.select(decisions.c.case_no)
    .where(~decisions.c.learnt)
    .order_by(decisions.c.case_no)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
_CASES = sa.select(cases.c.case_no, cases.c.item_code).where(among(cases.c.case_no, "case_nos"))
_MOVES = (
    sa.select(transitions.c.case_no, transitions.c.after, transitions.c.at)
    .where(among(transitions.c.case_no, "case_nos"))
    .order_by(transitions.c.case_no, transitions.c.seq)
)
_TASKS = sa.select(tasks.c.case_no, tasks.c.step, tasks.c.assigned_at, tasks.c.closed_at).where(
    among(tasks.c.case_no, "case_nos"), tasks.c.state == TaskState.ANSWERED
)
_LEARNT = sa.update(decisions).where(among(decisions.c.case_no, "case_nos")).values(learnt=True)


def learn_durations(tx: Tx) -> bool:
    """Count at most BATCH cases that were decided since; returns whether there may be more."""
    case_nos = tx.execute(_CLAIMED).scalars().all()
    if not case_nos:
        return False
    wanted = {"case_nos": case_nos}
    item_of = {row.case_no: row.item_code for row in tx.execute(_CASES, wanted)}
    counted: Counter[DurationKey] = Counter()
    for case_no, step, begun, ended in _spans(tx, wanted):
        hours = sum(working_hours(begin, end, holiday_calendar) for begin, end in zip(begun, ended, strict=True))
        counted[item_of[case_no], step, quarter_of(law_date(ended[-1])), class_of(hours)] += 1
    add_durations(tx, counted)
    tx.execute(_LEARNT, wanted)
    return len(case_nos) == BATCH


def _spans(
    tx: Tx, wanted: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, Sequence[datetime], Sequence[datetime]]]:
    """Case, step, and when the work on it began and ended, as often as it did."""
    moves: dict[str, list[Any]] = defaultdict(list)
    for move in tx.execute(_MOVES, wanted):
        moves[move.case_no].append(move)
    for case_no, made in moves.items():
        begun, ended = worked(made)
        if ended:
            yield case_no, WHOLE_CASE, begun, ended
    for task in tx.execute(_TASKS, wanted):
        yield task.case_no, task.step, (task.assigned_at,), (task.closed_at,)


def worked(moves: Iterable[Any]) -> tuple[list[datetime], list[datetime]]:
    """From acceptance to decision, where the clock ran: the beginnings and the ends. Nothing of a case that was not decided."""
    begun: list[datetime] = []
    ended: list[datetime] = []
    for move in moves:
        if move.after == CaseState.UNDER_EXAMINATION and len(begun) == len(ended):
            begun.append(move.at)
        elif move.after in (*STANDS_STILL, *DECIDED) and len(begun) > len(ended):
            ended.append(move.at)
        if move.after in DECIDED:
            return begun, ended
    return [], []
