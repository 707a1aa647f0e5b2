"""重新推算: what was provisional is set anew once a year's holidays are published, once, and everyone hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from chassis import clock, workdays
from contracts.case import CaseReckoned
from services.audit.models import clocks
from services.audit.models import db as audit_db
from services.audit.service import SERVICE as AUDIT
from services.workflow import jobs
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain.deadline import law_date
from services.workflow.models import cases, db, tasks
from services.workflow.use_cases import reckon_published
from tests.chassis.test_workdays import FIXED, NEXT, notice
from tests.services.workflow.conftest import Desk, together
from tests.support import bind, deliver, envelope_bytes, told

DECEMBER = date(NEXT - 1, 12, 21)
HOLIDAYS = [*FIXED, f"{NEXT}-01-02/{NEXT}-01-16"]
[JOB] = [job for job in jobs.JOBS if job.name == "workflow.reckon_published"]


@pytest.fixture
def december(desk: Desk) -> Iterator[Desk]:
    """A process whose jobs have looked before anything of the next year was published."""
    noon = datetime(DECEMBER.year, DECEMBER.month, DECEMBER.day, 4, tzinfo=UTC)
    clock.advance(desk.clock_file, noon - clock.now())
    jobs._reckoned_by[0] = 0
    JOB.run()
    yield desk
    workdays.follow(None)


def accepted(desk: Desk) -> str:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"))
    return case_no


def dates(case_no: str) -> dict[str, date]:
    with db.read() as connection:
        row = connection.execute(sa.select(cases).where(cases.c.case_no == case_no)).one()
        of_tasks = sa.select(tasks.c.task_id, tasks.c.due_on).where(tasks.c.case_no == case_no, tasks.c.state == "open")
        found = {task.task_id: task.due_on for task in connection.execute(of_tasks)}
    return {"case": row.due_on, "law": row.statutory_due_on} | found


def test_publishing_the_year_moves_case_and_tasks_once(
    december: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reckon_published, "BATCH", 2)
    numbers = [accepted(december) for _ in range(5)]
    closed = accepted(december)
    assert december.client.post(
        f"/api/v1/cases/{closed}/withdrawal",
        json={"reason": "不办了"},
        headers=december.citizen() | {"Idempotency-Key": "w"},
    ).status_code in (200, 201)
    before = {number: dates(number) for number in (*numbers, closed)}
    assert all(december.show(number)["due_provisional"] for number in numbers)

    workdays.follow(notice(tmp_path / "c.yaml", holidays=HOLIDAYS))
    together(*[JOB.run] * 3)
    jobs._reckoned_by[0] = 0
    JOB.run()

    events = told(db, CaseReckoned)
    assert sorted(event.case_no for event in events) == sorted(numbers)
    for event in events:
        now = dates(event.case_no)
        assert not december.show(event.case_no)["due_provisional"]
        assert (event.due_on, event.statutory_due_on) == (now["case"], now["law"])
        assert now["case"] > before[event.case_no]["case"]
        moved = {one.task_id: one.due_on for one in event.tasks}
        assert moved.items() <= now.items()
        assert all(holiday_calendar(day).working for day in now.values())
    assert dates(closed) == before[closed]


def test_what_the_notice_does_not_change_keeps_its_date_and_is_no_longer_provisional(
    december: Desk, tmp_path: Path
) -> None:
    number = accepted(december)
    before = dates(number)
    workdays.follow(notice(tmp_path / "c.yaml"))
    JOB.run()
    assert dates(number) == before
    assert [(event.due_on, event.tasks) for event in told(db, CaseReckoned)] == [(before["case"], ())]
    assert law_date(clock.now()) == DECEMBER


def test_supervision_goes_by_the_new_dates(december: Desk, tmp_path: Path) -> None:
    clock.advance(december.clock_file, timedelta(days=8))  # so that the tasks' last days are in the new year
    number = accepted(december)
    bind(AUDIT, tmp_path)
    for event in told(db):
        deliver(AUDIT, "audit.supervision", envelope_bytes(event, source="workflow"))
    clock.advance(december.clock_file, timedelta(seconds=1))
    workdays.follow(notice(tmp_path / "c.yaml", holidays=HOLIDAYS))
    JOB.run()
    [event] = told(db, CaseReckoned)
    deliver(AUDIT, "audit.supervision", envelope_bytes(event, source="workflow"))
    with audit_db.read() as connection:
        watched = {row.task_id: row.due_on for row in connection.execute(sa.select(clocks))}
    now = dates(number)
    assert event.tasks
    assert {task: watched[task] for task in now if task not in ("case", "law")} == {
        task: day for task, day in now.items() if task not in ("case", "law")
    }
