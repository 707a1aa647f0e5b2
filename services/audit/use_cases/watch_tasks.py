"""Follow departments' tasks: start a clock, stop it, note what breaks a rule. In whatever order the news comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.bus import Delivery
from chassis.db import Tx
from contracts.task import OpinionRefused, TaskAssigned
from services.audit.domain.supervision import (
    BEYOND_GUIDE_CODE,
    DEMAND_BEYOND_GUIDE,
    SECOND_CORRECTION,
    SECOND_CORRECTION_CODE,
    beyond_guide_detail,
    card_number,
    second_correction_detail,
)
from services.audit.models import clocks, ends
from services.audit.use_cases.judge_clocks import judge_ended
from services.audit.use_cases.move_clocks import apply_moves
from services.audit.use_cases.raise_cards import raise_cards


def start_clocks(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """A task is assigned. An end that came before it is found when the clock is judged, on its last day."""
    tasks: list[TaskAssigned] = [d.event for d in deliveries]
    rows = [
        {
            "task_id": task.task_id,
            "case_no": task.case_no,
            "department": task.department,
            "step": task.step,
            "step_name": task.step_name,
            "due_on": task.due_on,
            "judge_on": task.due_on,
        }
        for task in tasks
    ]
    tx.insert_new(clocks, rows, [clocks.c.task_id])
    apply_moves(tx, [task.task_id for task in tasks])


def end_task_clocks(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """A task is answered or cancelled."""
    _end(tx, [(d.event.task_id, d) for d in deliveries])


def end_case_clocks(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """A whole case has ended: no department owes anything on it any more."""
    _end(tx, [(d.event.case_no, d) for d in deliveries])


def _end(tx: Tx, ended: Sequence[tuple[str, Delivery]]) -> None:
    rows = [
        {"subject": subject, "how": d.envelope.type.rsplit(".v", 1)[0], "ended_at": d.envelope.time}
        for subject, d in ended
    ]
    tx.insert_new(ends, rows, [ends.c.subject])
    judge_ended(tx, {subject: delivery.envelope for subject, delivery in ended})


def flag_unlawful_opinions(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Rules P1 and C2: an opinion was refused because the one notice had been given, or because it went beyond the guide."""
    flagged = [d for d in deliveries if d.event.code in _FLAGGED]
    raise_cards(tx, [(_flagged(d.event), d.envelope) for d in flagged])


_FLAGGED = {
    SECOND_CORRECTION_CODE: (SECOND_CORRECTION, second_correction_detail),
    BEYOND_GUIDE_CODE: (DEMAND_BEYOND_GUIDE, beyond_guide_detail),
}


def _flagged(refused: OpinionRefused) -> dict[str, Any]:
    rule, detail = _FLAGGED[refused.code]
    return {
        "card_no": card_number(rule, "red", refused.task_id),
        "case_no": refused.case_no or refused.task_id.partition("-")[0],
        "task_id": refused.task_id,
        "department": refused.department,
        "level": "red",
        "rule": rule,
        "due_on": None,
        "detail": detail(refused.department),
    }
