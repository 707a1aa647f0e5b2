"""Clocks and cards: each card exactly once, on the right day, whatever happened in between and in whatever order."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.case import CaseClosed, CaseDenied, CaseWithdrawn
from contracts.supervision import CardRaised, CardRevoked
from contracts.task import OpinionRefused, TaskCancelled
from services.audit import jobs, models
from services.audit.domain.supervision import judge_task
from services.audit.service import SERVICE
from tests.support import Tokens, deliver, envelope_bytes, metric, show_gauges, told

DUE = date(2026, 1, 8)
BEFORE = datetime(2026, 1, 7, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai on the day before
DUE_DAY = datetime(2026, 1, 7, 16, 0, tzinfo=UTC)  # 00:00 in Shanghai on the due day
DUE_NIGHT = datetime(2026, 1, 8, 15, 59, tzinfo=UTC)
AFTER = datetime(2026, 1, 8, 16, 0, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)


def hear(*events: Any, source: str = "workflow") -> None:
    deliver(SERVICE, "audit.supervision", *[envelope_bytes(event, source=source) for event in events])


def raised(database: Any) -> list[tuple[str, str, str]]:
    """(rule, level, task) of every card told."""
    return [(card.rule, card.level, card.task_id) for card in told(database, CardRaised)]


def standing(database: Any) -> set[tuple[str, str, str]]:
    """(rule, level, task) of the cards that are not revoked."""
    with database.read() as connection:
        cards = connection.execute(sa.select(models.cards).where(models.cards.c.revoked_at.is_(None)))
        return {(card.rule, card.level, card.task_id) for card in cards}


@pytest.fixture
def task(say: Any) -> str:
    return f"{say.CASE}-police-1"


def test_yellow_on_the_due_day_and_red_after_it_each_once(
    client: Any, database: Any, set_clock: Callable[[datetime], None], say: Any, task: str
) -> None:
    hear(say.assigned(task, DUE))
    jobs.judge()
    set_clock(BEFORE)
    jobs.judge()
    assert raised(database) == []

    set_clock(DUE_DAY)
    jobs.judge()
    jobs.judge()
    assert raised(database) == [("T9", "yellow", task)]
    set_clock(DUE_NIGHT)
    jobs.judge()
    assert len(raised(database)) == 1

    set_clock(AFTER)
    jobs.judge()
    jobs.judge()
    set_clock(LATER)
    jobs.judge()
    assert raised(database) == [("T9", "yellow", task), ("T9", "red", task)]

    yellow, red = told(database, CardRaised)
    assert (yellow.card_no, yellow.raised_on, yellow.due_on) == (f"T9-Y-{task}", DUE, DUE)
    assert (red.card_no, red.raised_on, red.department, red.case_no) == (
        f"T9-R-{task}", date(2026, 1, 9), "police", say.CASE,
    )  # fmt: skip
    assert "公安交管意见" in red.detail
    assert "after its last day, 2026-01-08" in red.detail


def test_cards_are_open_while_the_task_is_and_the_ledger_says_how_far_it_is_signed(
    client: Any, database: Any, set_clock: Callable[[datetime], None], say: Any, task: str
) -> None:
    hear(say.assigned(task, DUE))
    set_clock(AFTER)
    jobs.judge()
    show_gauges(SERVICE)
    assert {level: metric("tongban_cards_open", level=level) for level in ("yellow", "red")} == {"yellow": 1, "red": 1}
    hear(say.recorded(task))
    show_gauges(SERVICE)
    assert metric("tongban_cards_open", level="red") == 0
    deliver(SERVICE, "audit.ledger", envelope_bytes(say.submitted(), source="workflow", caseseq=1))
    show_gauges(SERVICE)
    assert metric("tongban_ledger_unsigned_entries") == 1
    jobs.sign()
    set_clock(LATER)
    show_gauges(SERVICE)
    assert metric("tongban_ledger_unsigned_entries") == 0
    assert metric("tongban_ledger_checkpoint_age_seconds") > timedelta(days=20).total_seconds()


def test_no_card_for_an_answer_in_time(
    client: Any, database: Any, set_clock: Callable[[datetime], None], say: Any, task: str
) -> None:
    hear(say.assigned(task, DUE))
    set_clock(BEFORE)
    hear(say.recorded(task))
    set_clock(LATER)
    jobs.judge()
    assert raised(database) == []


def test_a_late_answer_gets_its_red_card_when_it_is_recorded(
    client: Any, database: Any, set_clock: Callable[[datetime], None], say: Any, task: str
) -> None:
    hear(say.assigned(task, DUE))
    set_clock(LATER)
    hear(say.recorded(task, late=True))
    assert raised(database) == [("T9", "yellow", task), ("T9", "red", task)]
    jobs.judge()
    assert len(raised(database)) == 2


def test_cards_are_not_lost_when_the_service_is_down_over_the_due_date(
    client: Any, database: Any, set_clock: Callable[[datetime], None], say: Any, task: str
) -> None:
    hear(say.assigned(task, DUE))
    set_clock(LATER)
    jobs.judge()
    assert raised(database) == [("T9", "yellow", task), ("T9", "red", task)]


def test_cards_raised_before_news_of_a_timely_answer_are_revoked(
    client: Any, database: Any, tokens: Tokens, set_clock: Callable[[datetime], None], say: Any
) -> None:
    task = f"{say.CASE}-police-1"
    hear(say.assigned(task, DUE))
    set_clock(BEFORE)
    answered = envelope_bytes(say.recorded(task), source="workflow")
    set_clock(LATER)
    jobs.judge()
    assert len(standing(database)) == 2
    deliver(SERVICE, "audit.supervision", answered)
    jobs.judge()
    assert standing(database) == set()
    cards = client.get("/api/v1/cards", headers=tokens.headers("cards:read", kind="supervisor")).get_json()["cards"]
    assert [card["status"] for card in cards] == ["revoked", "revoked"]
    assert sorted(card.card_no for card in told(database, CardRevoked)) == sorted(card["card_no"] for card in cards)


@pytest.mark.parametrize(
    "end",
    [
        lambda case, task: TaskCancelled(task_id=task, case_no=case, department="police", reason="case_withdrawn"),
        lambda case, _: CaseWithdrawn(case_no=case, reason="不办了"),
        lambda case, _: CaseDenied(case_no=case, decided_by="o", reason="r", remedy="m"),
        lambda case, _: CaseClosed(case_no=case, licence_no="L"),
    ],
)
def test_nobody_is_late_on_a_case_that_has_ended(
    end: Callable[[str, str], Any], client: Any, database: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    task = f"{say.CASE}-police-1"
    hear(say.assigned(task, DUE))
    hear(end(say.CASE, task))
    set_clock(LATER)
    jobs.judge()
    assert raised(database) == []
    with database.read() as connection:
        assert connection.execute(sa.select(models.clocks.c.judge_on)).scalars().all() == [None]


def test_a_second_correction_gets_a_red_card_by_rule_p1(client: Any, database: Any, say: Any, task: str) -> None:
    refused = OpinionRefused(
        task_id=task, department="police", code="second_correction_refused", detail="d", opinion_id="o-1"
    )
    hear(refused, source="workflow")
    hear(refused, OpinionRefused(task_id=task, department="police", code="task_unknown", detail="d", opinion_id="o-2"))
    [card] = told(database, CardRaised)
    assert (card.rule, card.level, card.case_no, card.due_on) == ("P1", "red", say.CASE, None)
    assert "一次性告知" in card.detail


@pytest.mark.parametrize("ended_at", [BEFORE, DUE_NIGHT, AFTER])
def test_handlers_commute_with_each_other_and_with_the_job(
    ended_at: datetime, client: Any, database: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    expected = {BEFORE: set(), DUE_NIGHT: {"yellow"}, AFTER: {"yellow", "red"}}[ended_at]
    orders = list(itertools.permutations(["assigned", "ended", "job"]))
    set_clock(ended_at)
    tasks = [f"{say.CASE}-police-{number}" for number in range(len(orders))]
    ends = {task: envelope_bytes(say.recorded(task), source="workflow") for task in tasks}
    set_clock(LATER)
    for task, order in zip(tasks, orders, strict=True):
        for step in order:
            if step == "assigned":
                hear(say.assigned(task, DUE))
            elif step == "ended":
                deliver(SERVICE, "audit.supervision", ends[task])
            else:
                jobs.judge()
    jobs.judge()
    assert standing(database) == {("T9", level, task) for task in tasks for level in expected}
    assert len(raised(database)) == len(set(raised(database)))


def test_processes_that_judge_at_once_raise_each_card_once(
    client: Any, database: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    tasks = [f"{say.CASE}-police-{number}" for number in range(40)]
    hear(*[say.assigned(task, DUE) for task in tasks])
    set_clock(LATER)
    threads = [threading.Thread(target=jobs.judge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(raised(database)) == sorted(("T9", level, task) for task in tasks for level in ("yellow", "red"))


def test_cards_are_listed_filtered_and_paged(
    client: Any, database: Any, tokens: Tokens, set_clock: Callable[[datetime], None], say: Any
) -> None:
    other = say.CASE[:-1] + "2"
    hear(*[say.assigned(f"{say.CASE}-police-{n}", DUE) for n in range(3)])
    hear(say.assigned(f"{other}-transport-1", DUE, department="transport"))
    set_clock(LATER)
    jobs.judge()

    headers = tokens.headers("cards:read", kind="supervisor")

    def ask(query: str) -> Any:
        return client.get(f"/api/v1/cards{query}", headers=headers).get_json()

    assert len(ask("")["cards"]) == 8
    assert {c["department"] for c in ask(f"?case_no={other}")["cards"]} == {"transport"}
    assert len(ask("?department=police&level=red")["cards"]) == 3
    first = ask("?limit=5")
    second = ask(f"?limit=5&before={first['next']}")
    numbers = [card["card_no"] for card in first["cards"] + second["cards"]]
    assert (len(numbers), len(set(numbers)), second["next"]) == (8, 8, None)
    card = ask(f"?case_no={other}&level=red")["cards"][0]
    assert card == {
        "card_no": f"T9-R-{other}-transport-1", "rule": "T9", "level": "red", "status": "issued",
        "department": "transport", "case_no": other, "task_id": f"{other}-transport-1",
        "due_on": "2026-01-08", "raised_on": "2026-02-01", "detail": card["detail"],
    }  # fmt: skip


def test_cards_are_for_those_with_the_scope_and_well_formed_questions(client: Any, tokens: Tokens) -> None:
    assert client.get("/api/v1/cards").status_code == 401
    assert client.get("/api/v1/cards", headers=tokens.headers("trails:read")).status_code == 403
    headers = tokens.headers("cards:read", kind="supervisor")
    for bad in ("?level=blue", "?limit=0", "?limit=201", "?before=x", "?before=99999999999999999999", "?case_no=%00"):
        assert client.get(f"/api/v1/cards{bad}", headers=headers).status_code == 422


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.none() | st.integers(-40, 40), st.integers(-40, 40))
def test_judging_later_never_takes_a_card_away_nor_adds_one_to_an_ended_task(
    due_on: date, ended: int | None, today: int
) -> None:
    day = date.fromordinal
    ended_on = None if ended is None else day(due_on.toordinal() + ended)
    now = judge_task(due_on, ended_on=ended_on, today=day(due_on.toordinal() + today))
    next_day = judge_task(due_on, ended_on=ended_on, today=day(due_on.toordinal() + today + 1))
    assert set(now.levels) <= set(next_day.levels)
    assert (now.judge_on is None) == (ended_on is not None or "red" in now.levels)
    if ended_on is not None:
        assert now == next_day
