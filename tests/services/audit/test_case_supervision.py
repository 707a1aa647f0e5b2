"""Rules T5, T7, T8, C2, and the last days of tasks that a special procedure moves, in whatever order the news comes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.case import (
    CaseAccepted,
    CaseExtensionRefused,
    CaseSpecialProcedureEnded,
    CaseSpecialProcedureStarted,
    ClockMoved,
)
from contracts.supervision import CardRaised
from contracts.task import OpinionRefused
from services.audit import jobs, models
from services.audit.service import SERVICE
from tests.support import deliver, envelope_bytes, told

DUE, MOVED, BACK = date(2026, 1, 8), date(2026, 1, 22), date(2026, 1, 15)


def hear(*events: Any) -> None:
    deliver(SERVICE, "audit.supervision", *[envelope_bytes(event, source="workflow") for event in events])


def cards(database: Any) -> list[tuple[str, str, str]]:
    return [(card.rule, card.level, card.department) for card in told(database, CardRaised)]


def started(case_no: str, *moves: tuple[str, date]) -> CaseSpecialProcedureStarted:
    return CaseSpecialProcedureStarted(
        case_no=case_no,
        code="review",
        name="评审",
        name_en="review",
        department="education",
        reason="x",
        began_on=date(2026, 1, 5),
        until=date(2026, 1, 19),
        due_on=date(2026, 2, 2),
        provisional=False,
        tasks=tuple(ClockMoved(task_id=task, due_on=on) for task, on in moves),
    )


def ended(case_no: str, *moves: tuple[str, date], expired: bool = False) -> CaseSpecialProcedureEnded:
    return CaseSpecialProcedureEnded(
        case_no=case_no,
        code="review",
        name="评审",
        name_en="review",
        department="education",
        ended_on=date(2026, 1, 12),
        due_on=date(2026, 1, 26),
        provisional=False,
        expired=expired,
        tasks=tuple(ClockMoved(task_id=task, due_on=on) for task, on in moves),
    )


def accepted(case_no: str, **more: Any) -> CaseAccepted:
    return CaseAccepted(
        case_no=case_no, accepted_on=date(2026, 1, 5), due_on=date(2026, 1, 20), provisional=False, **more
    )


def test_silence_that_the_law_took_for_acceptance_is_a_red_card_once(database: Any, say: Any) -> None:
    deemed = accepted(say.CASE, deemed_against="education", deemed_task=f"{say.CASE}-accept-1")
    hear(accepted(say.CASE))
    assert cards(database) == []
    hear(deemed)
    hear(deemed)
    assert cards(database) == [("T5", "red", "education")]


def test_a_procedure_over_the_time_announced_is_a_yellow_card_and_one_ended_in_time_is_none(
    database: Any, say: Any
) -> None:
    hear(ended(say.CASE))
    assert cards(database) == []
    hear(ended(say.CASE, expired=True))
    assert cards(database) == [("T7", "yellow", "education")]


def test_an_unlawful_extension_and_an_unlawful_demand_are_red_cards(database: Any, say: Any) -> None:
    hear(CaseExtensionRefused(case_no=say.CASE, department="education", code="already_extended", detail="甲 / a"))
    refused = {"task_id": f"{say.CASE}-police-1", "department": "police", "detail": "x", "opinion_id": "o"}
    hear(OpinionRefused(code="material_not_in_guide", **refused))
    hear(OpinionRefused(code="opinion_too_late", **refused))
    assert cards(database) == [("T8", "red", "education"), ("C2", "red", "police")]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_clock_that_was_stopped_is_judged_by_its_newest_last_day(
    order: tuple[int, ...], database: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    task = f"{say.CASE}-police-1"
    set_clock(datetime(2026, 1, 5, 2, tzinfo=UTC))
    news = []
    for hour, event in enumerate(
        (say.assigned(task, DUE), started(say.CASE, (task, MOVED)), ended(say.CASE, (task, BACK)))
    ):
        set_clock(datetime(2026, 1, 5, 2 + hour, tzinfo=UTC))
        news.append(envelope_bytes(event, source="workflow"))
    for index in order:
        deliver(SERVICE, "audit.supervision", news[index])
    with database.read() as connection:
        row = connection.execute(sa.select(models.clocks)).one()
    assert (row.due_on, row.judge_on, row.ended_on) == (BACK, BACK, None)
    set_clock(datetime(2026, 1, 14, 2, tzinfo=UTC))
    jobs.judge()
    assert cards(database) == []
    set_clock(datetime(2026, 1, 15, 2, tzinfo=UTC))
    jobs.judge()
    assert cards(database) == [("T9", "yellow", "police")]
