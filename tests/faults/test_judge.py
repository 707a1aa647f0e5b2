"""The judge is right about a platform at rest, and notices whatever is changed behind its back."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from faults.databases import SqliteDatabases
from faults.invariants import Evidence, judge
from faults.rig import Rig


@pytest.fixture(scope="module")
def settled(embedded: Rig) -> Evidence:
    embedded.play()
    assert embedded.verdict() == []
    return embedded.evidence()


TAMPERED = {
    "a case is gone": ("workflow", "DELETE FROM cases WHERE rowid = 1", "I1", "lost"),
    "a case is stuck": ("workflow", "UPDATE cases SET state = 'deciding' WHERE rowid = 1", "I1", "wrong"),
    "a case that nobody asked for": (
        "workflow",
        "INSERT INTO cases SELECT 'another', {rest} FROM cases WHERE rowid = 1",
        "I1",
        "doubled",
    ),
    "a material is gone": ("documents", "DELETE FROM materials WHERE rowid = 1", "I1", "lost"),
    "a person is gone": ("identity", "DELETE FROM parties", "I1", "lost"),
    "a publication is gone": ("catalog", "DELETE FROM item_versions WHERE version > 1", "I1", "lost"),
    "a licence is gone": ("documents", "DELETE FROM licences WHERE rowid = 1", "I2", "lost"),
    "an opinion is gone": ("workflow", "DELETE FROM opinions WHERE rowid = 1", "I3", "lost"),
    "the join did not wait": (
        "workflow",
        "UPDATE tasks SET assigned_at = '2020-01-01' WHERE step = 'examine'",
        "I3",
        "wrong",
    ),
    "a decision is gone": ("workflow", "DELETE FROM decisions WHERE rowid = 1", "I3", "lost"),
    "an event was never recorded": ("audit", "DELETE FROM entries WHERE seq = 3", "I4", "lost"),
    "a decision was never told": ("workflow", "DELETE FROM outbox WHERE type LIKE 'case.approved.%'", "I4", "lost"),
    "an entry that nobody told": ("workflow", "DELETE FROM outbox WHERE position = 1", "I4", "wrong"),
    "an event was rewritten": (
        "workflow",
        "UPDATE outbox SET body = CAST(replace(body, 'agree', 'disagree') AS BLOB) WHERE type LIKE 'task.opinion_recorded.%'",
        "I4",
        "wrong",
    ),
    "a signed entry was rewritten": (
        "audit",
        "UPDATE entries SET leaf = CAST(replace(leaf, '\"v\":1', '\"v\":2') AS BLOB) WHERE seq = 1",
        "I4",
        "wrong",
    ),
    "a message is parked": (
        "audit",
        "INSERT INTO retries SELECT event_id, 'x', type, NULL, leaf, 1, '', time, time, time FROM entries WHERE seq = 1",
        "I6",
        "wrong",
    ),
    "the citizen sees another licence": (
        "workflow",
        "UPDATE cases SET licence_no = 'x' WHERE rowid = 1",
        "I8",
        "wrong",
    ),
}


@pytest.mark.parametrize("change", TAMPERED)
def test_the_judge_notices_that(settled: Evidence, embedded: Rig, tmp_path: Path, change: str) -> None:
    service, statement, invariant, kind = TAMPERED[change]
    shutil.copytree(embedded.clock_file.parent / "data", tmp_path / "data")
    with sqlite3.connect(tmp_path / "data" / f"{service}.sqlite") as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(cases)")][1:]
        assert connection.execute(statement.format(rest=", ".join(columns))).rowcount > 0
    found = judge(replace(settled, read=SqliteDatabases(tmp_path / "data").read))
    assert (invariant, kind) in {(violation.invariant, violation.kind) for violation in found}
