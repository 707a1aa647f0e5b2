"""Whatever happens to a case, in whatever order, what must hold of it holds; and the walks that say so find planted bugs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from chassis.errors import Refusal
from contracts.item import ItemPublished
from services.workflow.adapters import case_store
from services.workflow.domain import case_file, clocks, decision, lifecycle, opinion, plan, progress
from services.workflow.domain.case_file import CaseFile
from services.workflow.models import db
from services.workflow.service import SERVICE
from tests.services.workflow.walking import Walk, named, snapshot
from tests.support import bind, deliver, envelope_bytes

WALKS, STEPS = 300, 30
TO_FIND = 150


def test_whatever_happens_to_a_case_what_must_hold_of_it_holds() -> None:
    ends: Counter[str] = Counter()
    done = refused = 0
    for seed in range(WALKS):
        with named(seed):
            walk = Walk(seed).run(STEPS)
        ends[walk.file.state.value] += 1
        done, refused = done + walk.done, refused + walk.refused
    assert len(ends) >= 12, ends  # every way to end was gone
    assert min(done, refused) > WALKS * STEPS / 5, (done, refused)


def _nothing(*_: Any, **__: Any) -> None:
    """Instead of what should be done."""


def _a_day_later(task_due: Callable[..., Any]) -> Callable[..., Any]:
    return lambda file, step, on, calendar: task_due(file, step, on + timedelta(days=1), calendar)


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "a second correction is taken": (opinion, "_require_lawful_correction", _nothing),
    "a case in any state is decided": (opinion, "require_decidable", _nothing),
    "a step left out lets the next one start": (plan, "_handed_on", lambda *_: ()),
    "an ended case leaves its tasks open": (CaseFile, "cancel_open_tasks", _nothing),
    "corrected materials are not kept": (lifecycle, "_take_in", _nothing),
    "a case is closed before its licence has reached anybody": (CaseFile, "all_done", lambda _self: False),
    "a promise is forgotten": (decision, "outstanding", lambda _file: []),
    "a join waits for nobody": (
        case_file,
        "startable",
        lambda steps, *, done, begun: [s for s in steps if s.step not in begun],
    ),
    "a correction is never told": (progress, "_join_corrections", _nothing),
    "whoever corrects is not asked again": (lifecycle, "_concerned", lambda *_: []),
    "a task's time begins a day late": (case_file, "task_due", _a_day_later(clocks.task_due)),
    "acceptance is not dated": (decision, "reckon_case", _nothing),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_the_walks_find_a_planted_bug(bug: str) -> None:
    target, name, instead = PLANTED[bug]
    with mock.patch.object(target, name, instead), pytest.raises((AssertionError, KeyError, Refusal)):
        _play_some()


def _play_some() -> None:
    for seed in range(TO_FIND):
        Walk(seed).run(STEPS)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_loaded_is_what_was_saved_after_every_step(seed: int, tmp_path: Path) -> None:
    bind(SERVICE, tmp_path)

    def keep(walk: Walk) -> None:
        with db.transaction() as tx:
            case_store.save(tx, [walk.file])
        with db.transaction() as tx:
            loaded = case_store.load(tx, ["C1"])["C1"]
        assert snapshot(loaded) == snapshot(walk.file)

    walk = Walk(seed)
    event = ItemPublished(item_code=walk.item.item_code, effective_from=walk.today, item=walk.item)
    deliver(SERVICE, "workflow.items", envelope_bytes(event, source="catalog"))
    keep(walk)
    walk.after_step = keep
    walk.run(STEPS)
    db.engine.dispose()
