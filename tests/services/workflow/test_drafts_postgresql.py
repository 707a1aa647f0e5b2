"""What only a real PostgreSQL can show of drafts: several windows at once, each on its own connection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chassis import clock
from services.workflow.jobs import JOBS
from services.workflow.models import db
from services.workflow.use_cases import forget_drafts, start_draft
from tests.services.workflow.conftest import Desk, everything, make_desk, together

WINDOWS = 6


@pytest.fixture
def desk(postgresql_url: str, tmp_path: Path) -> Iterator[Desk]:
    yield from make_desk(tmp_path, postgresql_url)
    db.engine.dispose()


def test_drafts_begun_at_once_do_not_pass_the_limit_together(desk: Desk) -> None:
    for _ in range(start_draft.MOST - 1):
        desk.new_draft()
    answers = together(*[desk.start_draft] * WINDOWS)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (WINDOWS - 1)
    assert len(desk.drafts()) == start_draft.MOST


def test_of_windows_that_save_at_once_one_counts_and_the_others_are_told(desk: Desk) -> None:
    draft_id = desk.new_draft()
    form = {"plate": "鲁A12345", "stops": [{"name": "东门", "at": 7.5}], "remark": None}
    answers = together(*[lambda n=n: desk.save_draft(draft_id, form=form | {"window": n}) for n in range(WINDOWS)])
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (WINDOWS - 1)
    [saved] = [answer.json for answer in answers if answer.status_code == 200]
    assert desk.show_draft(draft_id).json == saved
    assert saved["version"] == 2


def test_application_handed_in_twice_at_once_takes_its_draft_with_it(desk: Desk) -> None:
    draft_id = desk.new_draft()
    materials = [desk.receipt("application")]
    answers = together(*[lambda: desk.submit(key="twice", materials=materials, draft_id=draft_id)] * 2)
    assert {answer.status_code for answer in answers} == {201}
    assert len(everything()["cases"]) == 1
    assert desk.drafts() == []


def test_processes_that_forget_at_once_do_not_disturb_each_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget_drafts, "BATCH", 3)
    for _ in range(10):
        desk.new_draft()
    clock.advance(desk.clock_file, timedelta(days=91))
    kept = desk.new_draft()
    [job] = [job for job in JOBS if job.name == "workflow.forget_drafts"]
    together(*[job.run] * WINDOWS)
    assert [draft["draft_id"] for draft in desk.drafts()] == [kept]
