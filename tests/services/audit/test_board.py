"""监察看板: supervisors see what is open and who owes it, in whatever order the news came."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.case import (
    CaseAccepted,
    CaseClosed,
    CaseCorrected,
    CaseCorrectionRequested,
    CaseDeemedWithdrawn,
    CaseDenied,
    CaseNotAccepted,
    CaseRevoked,
    CaseTerminated,
    CaseWithdrawn,
)
from contracts.task import TaskCancelled
from services.audit import jobs, models
from services.audit.service import SERVICE
from tests.support import Tokens, deliver, envelope_bytes

TODAY = date(2026, 1, 5)

ENDS: dict[str, Callable[[str], Any]] = {
    "closed": lambda case: CaseClosed(case_no=case, licence_no="L-1"),
    "denied": lambda case: CaseDenied(case_no=case, decided_by="o", reason="r", remedy="m"),
    "not accepted": lambda case: CaseNotAccepted(case_no=case, reason="r", remedy="m"),
    "withdrawn": lambda case: CaseWithdrawn(case_no=case, reason="r"),
    "deemed withdrawn": lambda case: CaseDeemedWithdrawn(
        case_no=case, reason="promise_not_kept", materials=(), due_on=TODAY
    ),
    "terminated": lambda case: CaseTerminated(case_no=case, decided_by="o", reason="r"),
    "revoked": lambda case: CaseRevoked(case_no=case, decided_by="o", reason="r", remedy="m"),
}


def accepted(case_no: str) -> CaseAccepted:
    return CaseAccepted(case_no=case_no, accepted_on=TODAY, due_on=date(2026, 1, 20), provisional=False)


def hear(event: Any, caseseq: int, subscription: str = "audit.figures") -> None:
    deliver(SERVICE, subscription, envelope_bytes(event, source="workflow", caseseq=caseseq))


def watch(*events: Any) -> None:
    """What supervision hears."""
    deliver(SERVICE, "audit.supervision", *[envelope_bytes(event, source="workflow") for event in events])


@pytest.fixture
def board(client: Any, tokens: Tokens) -> Callable[[], dict[str, Any]]:
    """The board as a supervisor gets it."""

    def get() -> dict[str, Any]:
        answer = client.get("/api/v1/board", headers=tokens.headers("board:read", kind="supervisor"))
        assert answer.status_code == 200
        return dict(answer.get_json())

    return get


@pytest.fixture
def states(board: Any) -> Callable[[], dict[str, int]]:
    """State -> number of open cases, those without any left out."""
    return lambda: {row["state"]: row["count"] for row in board()["states"] if row["count"]}


def test_an_empty_board_shows_every_open_state(board: Any, set_clock: Callable[[datetime], None]) -> None:
    shown = board()
    assert datetime.fromisoformat(shown.pop("as_of")) >= datetime(2026, 1, 5, 4, tzinfo=UTC)
    assert shown == {
        "states": [
            {"state": "received", "count": 0}, {"state": "awaiting_correction", "count": 0},
            {"state": "under_examination", "count": 0}, {"state": "special_procedure", "count": 0},
            {"state": "approved", "count": 0},
        ],
        "departments": [],
        "open_tasks": [],
    }  # fmt: skip


def test_a_case_is_in_the_state_that_its_newest_event_says(states: Any, say: Any) -> None:
    case = say.CASE
    steps = [
        (say.submitted(), "received"),
        (accepted(case), "under_examination"),
        (CaseCorrectionRequested(case_no=case, defects=()), "awaiting_correction"),
        (CaseCorrected(case_no=case, materials=()), "under_examination"),
        (say.approved(), "approved"),
    ]
    for caseseq, (event, state) in enumerate(steps, start=1):
        hear(event, caseseq)
        assert states() == {state: 1}
    hear(CaseClosed(case_no=case, licence_no="L"), 6)
    assert states() == {}


@pytest.mark.parametrize("how", ENDS)
def test_a_case_that_has_ended_is_on_no_board(how: str, states: Any, database: Any, say: Any) -> None:
    hear(say.submitted(), 1)
    hear(ENDS[how](say.CASE), 2)
    assert states() == {}
    with database.read() as connection:
        assert connection.execute(sa.select(models.case_states.c.state)).scalars().all() == [None]


ORDERS: dict[str, tuple[Callable[[Any, str], list[Any]], dict[str, int]]] = {
    "corrected before it is accepted": (
        lambda say, case: [
            say.submitted(case), CaseCorrectionRequested(case_no=case, defects=()),
            CaseCorrected(case_no=case, materials=()),
        ],
        {"received": 6},
    ),
    "corrected after it is accepted": (
        lambda say, case: [
            say.submitted(case), accepted(case), CaseCorrectionRequested(case_no=case, defects=()),
            CaseCorrected(case_no=case, materials=()),
        ],
        {"under_examination": 24},
    ),
    "accepted after it is corrected": (
        lambda say, case: [
            say.submitted(case), CaseCorrectionRequested(case_no=case, defects=()),
            CaseCorrected(case_no=case, materials=()), accepted(case),
        ],
        {"under_examination": 24},
    ),
    "approved": (lambda say, case: [say.submitted(case), accepted(case), say.approved(case)], {"approved": 6}),
    "closed": (
        lambda say, case: [
            say.submitted(case), accepted(case), say.approved(case), CaseClosed(case_no=case, licence_no="L"),
        ],
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("history", ORDERS)
def test_the_newest_state_holds_in_whatever_order_the_events_come(history: str, states: Any, say: Any) -> None:
    build, expected = ORDERS[history]
    length = len(build(say, say.CASE))
    orders = [
        (order, list(enumerate(build(say, f"{say.CASE[:-2]}{number:02}"), start=1)))
        for number, order in enumerate(itertools.permutations(range(length)))
    ]
    for place in range(length):
        bodies = [
            envelope_bytes(events[order[place]][1], source="workflow", caseseq=events[order[place]][0])
            for order, events in orders
        ]
        deliver(SERVICE, "audit.figures", *bodies, *bodies[:3])
    assert states() == expected


@pytest.mark.parametrize("history", ORDERS)
def test_the_newest_state_holds_within_one_batch(history: str, states: Any, say: Any) -> None:
    build, expected = ORDERS[history]
    bodies = []
    for number, order in enumerate(itertools.permutations(range(len(build(say, say.CASE))))):
        events = build(say, f"{say.CASE[:-2]}{number:02}")
        bodies += [envelope_bytes(events[n], source="workflow", caseseq=n + 1) for n in order]
    deliver(SERVICE, "audit.figures", *bodies)
    assert states() == expected


def test_departments_show_what_they_owe(
    board: Any, database: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    watch(
        *[say.assigned(f"{say.CASE}-police-{n}", TODAY + timedelta(days=n)) for n in range(-2, 3)],
        say.assigned(f"{say.CASE}-transport-1", TODAY, department="transport"),
        say.assigned(f"{say.CASE}-health-1", TODAY, department="health"),
    )
    jobs.judge()
    answered = say.recorded(f"{say.CASE}-health-1", department="health")
    watch(answered)
    hear(answered, 9)
    with database.read() as connection:
        deliver(SERVICE, "audit.figures", *connection.execute(sa.select(database.outbox.c.body)).scalars())

    zero = {"open": 0, "due_today": 0, "overdue": 0, "answered_today": 0}
    assert board()["departments"] == [
        zero | {"department": "health", "answered_today": 1, "yellow": 1, "red": 0},
        zero | {"department": "police", "open": 5, "due_today": 1, "overdue": 2, "yellow": 3, "red": 2},
        zero | {"department": "transport", "open": 1, "due_today": 1, "yellow": 1, "red": 0},
    ]
    set_clock(datetime(2026, 1, 5, 16, tzinfo=UTC))  # midnight in Shanghai
    after = {row["department"]: row for row in board()["departments"]}
    assert (after["health"]["answered_today"], after["police"]["due_today"], after["police"]["overdue"]) == (0, 1, 3)


@pytest.mark.parametrize("overdue", [False, True])
def test_a_task_leaves_the_board_when_it_or_its_case_ends(
    overdue: bool, board: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    due_on = TODAY - timedelta(days=3) if overdue else TODAY + timedelta(days=3)
    other = say.CASE[:-1] + "2"
    tasks = [f"{say.CASE}-police-1", f"{say.CASE}-police-2", f"{other}-police-1"]
    watch(*[say.assigned(task, due_on) for task in tasks])
    jobs.judge()
    assert [task["task_id"] for task in board()["open_tasks"]] == tasks
    watch(say.recorded(tasks[0], late=overdue))
    assert [task["task_id"] for task in board()["open_tasks"]] == tasks[1:]
    watch(TaskCancelled(task_id=tasks[1], case_no=say.CASE, department="police", reason="case_denied"))
    assert [task["task_id"] for task in board()["open_tasks"]] == tasks[2:]
    watch(CaseWithdrawn(case_no=other, reason="r"))
    shown = board()
    assert shown["open_tasks"] == []
    assert sum(row["open"] + row["due_today"] + row["overdue"] for row in shown["departments"]) == 0


def test_a_task_whose_end_was_heard_of_first_is_not_open(
    board: Any, database: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    task = f"{say.CASE}-police-1"
    watch(say.recorded(task))
    watch(say.assigned(task, TODAY + timedelta(days=3)))
    shown = board()
    assert (shown["open_tasks"], shown["departments"]) == ([], [])
    set_clock(datetime(2026, 1, 9, tzinfo=UTC))
    jobs.judge()
    with database.read() as connection:
        assert connection.execute(sa.select(models.clocks.c.ended_on)).scalars().all() == [TODAY]


def test_the_hundred_most_urgent_tasks_are_shown_the_first_due_first(board: Any, say: Any) -> None:
    days = {f"{say.CASE}-police-{n:03}": TODAY + timedelta(days=(n * 37) % 120) for n in range(120)}
    watch(*[say.assigned(task, due_on) for task, due_on in days.items()])
    shown = board()
    assert [task["task_id"] for task in shown["open_tasks"]] == sorted(days, key=lambda task: days[task])[:100]
    assert shown["open_tasks"][0] == {
        "task_id": f"{say.CASE}-police-000", "case_no": say.CASE, "department": "police", "step_name": "公安交管意见",
        "due_on": "2026-01-05",
    }  # fmt: skip
    assert shown["departments"][0]["open"] == 120


def test_the_board_is_for_those_with_its_scope(client: Any, tokens: Tokens) -> None:
    assert client.get("/api/v1/board").status_code == 401
    for kind, scope in (("person", "cases:read"), ("officer", "tasks:read"), ("supervisor", "cards:read")):
        refused = client.get("/api/v1/board", headers=tokens.headers(scope, kind=kind))
        assert (refused.status_code, refused.get_json()["code"]) == (403, "scope_missing")
