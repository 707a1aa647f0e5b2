"""Loads and saves case files, many at once: a handful of statements however many cases a batch touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from chassis.among import among
from chassis.db import Tx
from contracts.case import CaseMaterial, Defect
from services.workflow.adapters.doorbell import DOORBELL
from services.workflow.adapters.items import items_of
from services.workflow.domain.case_file import CaseFile, Task
from services.workflow.domain.states import CaseState, TaskState
from services.workflow.models import case_materials, cases, decisions, opinions, tasks, transitions

FIRST_RING_AFTER = timedelta(minutes=1)

_LATEST_FIELDS = (
    "state", "accepted_on", "due_on", "provisional", "correction_used", "decided_at", "decided_by",
    "decision_reason", "licence_no", "closed_at", "event_seq",
)  # fmt: skip

_CASES = sa.select(cases).where(among(cases.c.case_no, "case_nos")).order_by(cases.c.case_no)
_LOCKED = _CASES.with_for_update()
_MATERIALS = (
    sa.select(case_materials).where(among(case_materials.c.case_no, "case_nos")).order_by(case_materials.c.position)
)
_TASKS = sa.select(tasks).where(among(tasks.c.case_no, "case_nos"))
_OPINIONS = sa.select(opinions).where(among(opinions.c.case_no, "case_nos"))


def load(tx: Tx, case_nos: Iterable[str], *, lock: bool = True) -> dict[str, CaseFile]:
    """Case files by number, their rows locked in one order unless only read; unknown numbers are left out."""
    wanted = sorted(set(case_nos))
    if not wanted:
        return {}
    rows = tx.execute(_LOCKED if lock else _CASES, {"case_nos": wanted}).fetchall()
    found = [row.case_no for row in rows]
    items = items_of(tx.connection, {(row.item_code, row.item_version) for row in rows})
    materials = _materials(tx, found)
    assigned = _tasks(tx, found)
    return {
        row.case_no: CaseFile(
            case_no=row.case_no,
            item=items[row.item_code, row.item_version],
            applicant_id=row.applicant_id,
            submitted_by=row.submitted_by,
            agent_name=row.agent_name,
            applicant_name=row.applicant_name,
            channel=row.channel,
            form=row.form,
            submitted_at=row.submitted_at,
            accept_by=row.accept_by,
            materials=materials[row.case_no],
            tasks=assigned[row.case_no],
            version=row.version,
            **{name: getattr(row, name) for name in _LATEST_FIELDS if name != "state"},
            state=CaseState(row.state),
        )
        for row in rows
    }


def _materials(tx: Tx, case_nos: list[str]) -> dict[str, dict[str, CaseMaterial]]:
    by_case: dict[str, dict[str, CaseMaterial]] = defaultdict(dict)
    for row in tx.execute(_MATERIALS, {"case_nos": case_nos}):
        by_case[row.case_no][row.code] = CaseMaterial(
            material_id=row.material_id,
            code=row.code,
            name=row.name,
            media_type=row.media_type,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
        )
    return by_case


def _tasks(tx: Tx, case_nos: list[str]) -> dict[str, dict[str, Task]]:
    # Two look-ups by case rather than a join: the planner of a young database would read all opinions for it.
    given = {row.task_id: row for row in tx.execute(_OPINIONS, {"case_nos": case_nos})}
    by_case: dict[str, dict[str, Task]] = defaultdict(dict)
    for row in tx.execute(_TASKS, {"case_nos": case_nos}):
        by_case[row.case_no][row.task_id] = _task(row, given.get(row.task_id))
    return by_case


def _task(row: Any, opinion: Any) -> Task:
    task = Task(
        task_id=row.task_id,
        step=row.step,
        step_name=row.step_name,
        kind=row.kind,
        round=row.round,
        department=row.department,
        state=TaskState(row.state),
        due_on=row.due_on,
        assigned_at=row.assigned_at,
        closed_at=row.closed_at,
        acknowledged_at=row.acknowledged_at,
    )
    if opinion is not None:
        task.verdict, task.reason, task.officer = opinion.verdict, opinion.reason, opinion.officer
        task.account_id = opinion.account_id
        task.defects = tuple(msgspec.convert(opinion.defects, list[Defect]))
    return task


def tell(tx: Tx, file: CaseFile) -> None:
    """Hand the file's new events to the outbox, in the case's order."""
    for seq, event in file.drain_events():
        tx.tell(event, caseseq=seq)


def save(tx: Tx, files: Iterable[CaseFile]) -> None:
    """Write what changed. Call ``tell`` first: the place in the case's order is saved with it."""
    changed = [file for file in files if file.changed or file.touched or file.transitions or file.added_materials]
    if not changed:
        return
    _write_cases(tx, changed)
    _write_materials(tx, changed)
    _write_tasks(tx, changed)
    tx.insert(transitions, [row for file in changed for row in _transition_rows(file)])
    tx.insert(decisions, [row for file in changed for row in _decision_rows(file)])
    departments = {file.tasks[task_id].department for file in changed for task_id in file.touched}
    tx.on_commit.append(lambda: DOORBELL.ring(departments))
    for file in changed:
        file.version, file.changed = file.version + 1, False
        file.touched.clear()
        file.transitions.clear()
        file.added_materials.clear()


def _write_cases(tx: Tx, files: list[CaseFile]) -> None:
    tx.insert(cases, [_new_case_row(file) for file in files if file.version == 0])
    old = [file for file in files if file.version > 0]
    if not old:
        return
    rows = [_latest(file) | {"case_no": file.case_no, "version": file.version} for file in old]
    if tx.update(cases, ["case_no"], rows, version="version") != len(rows):
        raise RuntimeError("a case changed under its lock")


def _latest(file: CaseFile) -> dict[str, Any]:
    return {name: getattr(file, name) for name in _LATEST_FIELDS}


def _new_case_row(file: CaseFile) -> dict[str, Any]:
    return _latest(file) | {
        "case_no": file.case_no,
        "item_code": file.item.item_code,
        "item_version": file.item.version,
        "applicant_id": file.applicant_id,
        "submitted_by": file.submitted_by,
        "agent_name": file.agent_name,
        "applicant_name": file.applicant_name,
        "channel": file.channel,
        "form": file.form,
        "submitted_at": file.submitted_at,
        "accept_by": file.accept_by,
        "version": 1,
    }


def _write_materials(tx: Tx, files: list[CaseFile]) -> None:
    rows = [
        {
            "case_no": file.case_no,
            "code": material.code,
            "material_id": material.material_id,
            "name": material.name,
            "media_type": material.media_type,
            "size_bytes": material.size_bytes,
            "sha256": material.sha256,
            "handed_in_at": tx.now,
        }
        for file in files
        for material in file.added_materials
    ]
    tx.insert(case_materials, rows)


def _write_tasks(tx: Tx, files: list[CaseFile]) -> None:
    touched = [(file, file.tasks[task_id]) for file in files for task_id in sorted(file.touched)]
    closed = [(file, task) for file, task in touched if task.state is not TaskState.OPEN]
    tx.insert(tasks, [_new_task_row(file, task) for file, task in touched if task.state is TaskState.OPEN])
    tx.update(
        tasks, ["task_id"], [{"task_id": t.task_id, "state": t.state, "closed_at": t.closed_at} for _, t in closed]
    )
    tx.insert(opinions, [_opinion_row(file, task) for file, task in closed if task.verdict is not None])


def _new_task_row(file: CaseFile, task: Task) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "case_no": file.case_no,
        "step": task.step,
        "step_name": task.step_name,
        "kind": task.kind,
        "round": task.round,
        "department": task.department,
        "state": task.state,
        "due_on": task.due_on,
        "assigned_at": task.assigned_at,
        "ring_at": task.assigned_at + FIRST_RING_AFTER,
        "rings": 1,
    }


def _opinion_row(file: CaseFile, task: Task) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "case_no": file.case_no,
        "verdict": task.verdict,
        "reason": task.reason,
        "defects": msgspec.to_builtins(task.defects),
        "officer": task.officer,
        "account_id": task.account_id,
        "given_at": task.closed_at,
    }


def _transition_rows(file: CaseFile) -> list[dict[str, Any]]:
    """``seq`` continues from the case's version: at most a few moves per saved change."""
    return [
        {
            "case_no": file.case_no,
            "seq": file.version * 10 + index,
            "before": move.before,
            "after": move.after,
            "at": move.at,
            "by": move.by,
            "why": move.why,
            "rule": move.rule,
            "by_name": move.by_name,
            "for_name": move.for_name,
        }
        for index, move in enumerate(file.transitions)
    ]


def _decision_rows(file: CaseFile) -> list[dict[str, Any]]:
    decided = [m.after for m in file.transitions if m.after in (CaseState.APPROVED, CaseState.DENIED)]
    return [
        {
            "case_no": file.case_no,
            "approved": after is CaseState.APPROVED,
            "decided_by": file.decided_by,
            "decided_at": file.decided_at,
        }
        for after in decided
    ]
