"""Deadlines take effect exactly once: with several schedulers, over a crash, and however the clock jumps."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock
from contracts.case import CaseAccepted, CaseDeemedWithdrawn
from services.workflow.adapters import case_store
from services.workflow.domain.deadline import CalendarMissing
from services.workflow.domain.lapse import Lapsed, lapse
from services.workflow.jobs import JOBS
from services.workflow.models import cases, db
from services.workflow.service import SERVICE
from services.workflow.use_cases import fire_deadlines
from tests.services.workflow.conftest import Desk, everything, make_desk, together
from tests.support import metric, show_gauges, told

SCHEDULERS = 4
DEFECT = [{"material_code": "application", "problem": "缺页"}]
[JOB] = [job for job in JOBS if job.name == "workflow.fire_deadlines"]


@pytest.fixture
def sqlite_desk(tmp_path: Path) -> Iterator[Desk]:
    yield from make_desk(tmp_path, None)


@pytest.fixture
def postgresql_desk(tmp_path: Path, postgresql_url: str) -> Iterator[Desk]:
    yield from make_desk(tmp_path, postgresql_url)
    db.engine.dispose()


def fires_each_once(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, number: int, seed: int) -> None:
    """Cases that wait for acceptance, for a correction or for nothing; schedulers that all look at once, day after day."""
    monkeypatch.setattr(fire_deadlines, "BATCH", 3)
    rng, silent, uncorrected = random.Random(seed), set(), set()
    for n in range(number):
        case_no = desk.new_case()
        if n % 3 == 0:
            silent.add(case_no)
        elif n % 3 == 1:
            assert (
                desk.answer("education", f"{case_no}-accept-1", "correction_needed", defects=DEFECT).status_code == 200
            )
            uncorrected.add(case_no)
        else:
            desk.agree(case_no, ("education", "accept"))
    for _ in range(4):
        clock.advance(desk.clock_file, timedelta(days=rng.choice((0, 1, 9, 20))))
        together(*[JOB.run] * SCHEDULERS)
    clock.advance(desk.clock_file, timedelta(days=-3))  # a clock set back fires nothing again
    together(*[JOB.run] * SCHEDULERS)
    clock.advance(desk.clock_file, timedelta(days=60))
    together(*[JOB.run] * SCHEDULERS)
    accepted = Counter(e.case_no for e in told(db, CaseAccepted) if e.deemed_against)
    assert accepted == dict.fromkeys(silent, 1)
    assert Counter(e.case_no for e in told(db, CaseDeemedWithdrawn)) == dict.fromkeys(uncorrected, 1)
    with db.read() as connection:
        assert connection.execute(sa.select(cases.c.case_no).where(cases.c.wake_on.is_not(None))).all() == []


def test_several_schedulers_on_sqlite_fire_each_deadline_once(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fires_each_once(sqlite_desk, monkeypatch, number=9, seed=1)


def test_several_schedulers_on_postgresql_fire_each_deadline_once(
    postgresql_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fires_each_once(postgresql_desk, monkeypatch, number=15, seed=2)


def test_a_scheduler_that_dies_after_it_has_fired_leaves_the_deadline_to_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_no = desk.new_case()
    clock.advance(desk.clock_file, timedelta(days=20))
    before, save = everything(), case_store.save

    def dies(*args: Any) -> None:
        save(*args)
        raise SystemExit

    monkeypatch.setattr(case_store, "save", dies)
    with pytest.raises(SystemExit):
        JOB.run()
    assert everything() == before
    monkeypatch.undo()
    JOB.run()
    JOB.run()
    assert [event.case_no for event in told(db, CaseAccepted)] == [case_no]
    shown = desk.show(case_no)
    assert (shown["state"], shown["accepted_on"]) == ("under_examination", shown["submitted_at"][:10])


def test_a_case_whose_calendar_is_missing_waits_and_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, goes_on = desk.new_case(), desk.new_case()
    clock.advance(desk.clock_file, timedelta(days=20))

    def missing(file: Any, **more: Any) -> list[Lapsed]:
        if file.case_no == waits:
            raise CalendarMissing(2099)
        return lapse(file, **more)

    monkeypatch.setattr(fire_deadlines, "lapse", missing)
    JOB.run()
    assert [event.case_no for event in told(db, CaseAccepted)] == [goes_on]
    monkeypatch.undo()
    JOB.run()
    assert [event.case_no for event in told(db, CaseAccepted)] == [goes_on, waits]


def test_deadlines_that_wait_are_counted_and_so_are_those_that_fired_late(desk: Desk) -> None:
    def fired(which: str) -> float:
        return metric(f"tongban_deadlines_{which}_total", kind="deemed_accepted")

    before = {which: fired(which) for which in ("fired", "fired_late")}
    desk.new_case()
    show_gauges(SERVICE)
    assert metric("tongban_deadlines_waiting") == 0
    clock.advance(desk.clock_file, timedelta(days=20))
    show_gauges(SERVICE)
    assert metric("tongban_deadlines_waiting") == 1
    JOB.run()
    show_gauges(SERVICE)
    assert metric("tongban_deadlines_waiting") == 0
    assert {which: fired(which) - count for which, count in before.items()} == {"fired": 1, "fired_late": 1}


def test_a_deadline_of_today_has_not_passed(desk: Desk) -> None:
    desk.new_case()
    before = everything()
    JOB.run()
    assert everything() == before
