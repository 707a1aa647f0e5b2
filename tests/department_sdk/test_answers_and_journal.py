"""Answers, their ids, and the file that remembers them."""

from __future__ import annotations

import sqlite3
import stat
import threading
from datetime import datetime
from pathlib import Path

import pytest

from contracts.envelope import Event
from department_sdk import Answer, Defect, agree, correction_needed, disagree
from department_sdk.answers import Task, event_id, stamped_id
from department_sdk.desk import Desk, Handler, Listener, log_cancelled, log_refused
from department_sdk.journal import Journal
from tests.department_sdk.broker_door import task

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def test_a_refusal_needs_a_reason_and_a_correction_a_material() -> None:
    for wrong in (lambda: disagree("  "), lambda: correction_needed([])):
        with pytest.raises(ValueError, match="/"):
            wrong()
    assert correction_needed([Defect(material_code="route", problem="缺站点")]).verdict == "correction_needed"


@pytest.mark.parametrize("other", [agree("别的"), agree(officer="王"), disagree("同意"), Answer(verdict="agree")])
def test_the_same_answer_has_the_same_id_and_another_one_another(other: Answer) -> None:
    first = event_id(agree("同意").to("t-1"))
    assert first == event_id(agree("同意").to("t-1"))
    assert first not in {event_id(other.to("t-1")), event_id(agree("同意").to("t-2"))}


def test_ids_are_the_published_ones() -> None:
    """Departments and the gateway may run different releases: these values may never change."""
    assert event_id(agree("同意").to("t-1")) == "d2faeccf-66d8-5b25-aedc-15ec38d6a9dd"
    assert stamped_id("police", "own-1") == "97d5e73f-267b-5e9e-824e-ccfe69c60710"


def test_the_journal_remembers_across_processes(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    assert journal.keep(task(1)).state == "open"
    journal.keep(task(2))
    first = journal.answer(agree().to(task(1).task_id))
    journal.close()
    again = Journal(tmp_path / "j.sqlite")
    assert again.keep(task(1)) == first
    assert again.open_tasks() == [task(2)]
    again.close()


def test_a_journal_of_an_older_version_is_gone_on_with(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "j.sqlite")
    old.execute(
        "CREATE TABLE tasks (task_id TEXT PRIMARY KEY, state TEXT NOT NULL, kept_at TEXT NOT NULL, task BLOB, opinion BLOB,"
        " answered_at TEXT) WITHOUT ROWID"
    )
    old.execute("INSERT INTO tasks VALUES ('t-9', 'deferred', '2026-01-05T02:00:00+00:00', NULL, NULL, NULL)")
    old.commit()
    old.close()
    journal = Journal(tmp_path / "j.sqlite")
    found = journal.find("t-9")
    assert found is not None
    assert (found.state, found.traceparent) == ("deferred", None)
    assert journal.keep(task(1), TRACE).traceparent == TRACE
    journal.close()


def test_what_is_sent_of_a_task_carries_its_trace_on_even_days_later(tmp_path: Path) -> None:
    sent: list[tuple[str, str | None]] = []

    def send(event: Event, _happened_at: datetime, traceparent: str | None) -> None:
        sent.append((event.TYPE, traceparent))

    def work_on(handler: Handler, *tasks: Task) -> Desk:
        desk = Desk(Journal(tmp_path / "j.sqlite"), send, workers=1)
        desk.open(Listener(handler=handler, on_cancelled=log_cancelled, on_refused=log_refused))
        settled = threading.Event()
        for one in tasks:
            desk.take(one, settled.set, TRACE)
            assert settled.wait(30)
        desk.close(30)
        return desk

    work_on(lambda _task: None, task(1))
    work_on(lambda _task: None).answer(task(1).task_id, agree())
    assert sent == [("task.received.v1", TRACE), ("task.opinion_given.v2", TRACE)]


def test_the_same_answer_again_keeps_its_time_and_another_replaces_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    first = journal.answer(agree().to("t"))
    assert journal.answer(agree().to("t")) == first
    other = journal.answer(disagree("理由").to("t"))
    assert other.opinion == disagree("理由").to("t")
    assert other.answered_at != first.answered_at
    journal.close()


def test_an_answered_task_leaves_no_personal_data_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal = Journal(path)
    journal.keep(task(1))
    journal.answer(agree().to(task(1).task_id))
    [row] = journal._connection.execute("SELECT task FROM tasks").fetchall()
    assert row == (None,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    journal.close()
