"""Loads and saves case files, many at once: a handful of statements however many cases a batch touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from chassis import trace
from chassis.among import among
from chassis.db import Tx
from contracts.case import CaseMaterial, Defect
from services.workflow.adapters.addresses import ADDRESSES
from services.workflow.adapters.doorbell import DOORBELL
from services.workflow.adapters.items import items_of
from services.workflow.adapters.metrics import counting
from services.workflow.adapters.packages import settle_bundles
from services.workflow.adapters.policy import POLICY
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import CaseClock, Promise, Signature, Task
from services.workflow.domain.lapse import wake_on
from services.workflow.domain.states import UNDECIDED, CaseState, TaskState
from services.workflow.models import case_materials, cases, decisions, opinions, tasks, transitions

FIRST_RING_AFTER = timedelta(minutes=1)

_LATEST_FIELDS = (
    "state", "accept_by", "accepted_on", "due_on", "statutory_due_on", "provisional", "correction_used", "notice_by",
    "correct_by", "decided_at", "decided_by", "decision_reason", "licence_no", "licence_until", "delivery", "delivered_at",
    "closed_at", "event_seq",
)  # fmt: skip
_FIRST_FIELDS = (
    "applicant_id", "submitted_by", "agent_name", "applicant_name", "channel", "form", "submitted_at", "mode", "batch",
    "eligibility", "delivery_way", "renews_licence", "renews_until", "bundle_no",
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
            materials=materials[row.case_no],
            tasks=assigned[row.case_no],
            version=row.version,
            policy=POLICY.current,
            clock=CaseClock() if row.clock is None else msgspec.convert(row.clock, CaseClock),
            promises=() if row.promises is None else msgspec.convert(row.promises, tuple[Promise, ...]),
            **{name: getattr(row, name) for name in (*_FIRST_FIELDS, *_LATEST_FIELDS) if name != "state"},
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
        assignee=row.assignee,
        signatures=() if row.signatures is None else msgspec.convert(row.signatures, tuple[Signature, ...]),
    )
    if opinion is not None:
        task.verdict, task.reason, task.officer = opinion.verdict, opinion.reason, opinion.officer
        task.account_id, task.conditions = opinion.account_id, tuple(opinion.conditions or ())
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
    if decided := {file.bundle_no for file in changed if file.bundle_no is not None and file.state not in UNDECIDED}:
        settle_bundles(tx, decided)
    departments = {file.tasks[task_id].department for file in changed for task_id in file.touched}
    tx.on_commit += [counting(changed), lambda: DOORBELL.ring(departments)]
    for file in changed:
        file.version, file.changed = file.version + 1, False
        for task_id in file.touched:
            file.tasks[task_id].is_new = False
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
    return {name: getattr(file, name) for name in _LATEST_FIELDS} | {
        "clock": None if file.clock == CaseClock() else msgspec.to_builtins(file.clock),
        "promises": msgspec.to_builtins(file.promises) or None,
        "wake_on": wake_on(file),
    }


def _new_case_row(file: CaseFile) -> dict[str, Any]:
    file.delivery = ADDRESSES.seal(file.case_no, file.delivery)
    first = {name: getattr(file, name) for name in _FIRST_FIELDS}
    item = {"item_code": file.item.item_code, "item_version": file.item.version}
    return _latest(file) | first | item | {"case_no": file.case_no, "version": 1}


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
    known = [task for _, task in touched if not task.is_new]
    tx.insert(tasks, [_new_task_row(file, task) for file, task in touched if task.is_new])
    tx.update(tasks, ["task_id"], [_changed_task(task) for task in known])
    answered = [(file, task) for file, task in touched if task.state is TaskState.ANSWERED]
    tx.insert(opinions, [_opinion_row(file, task) for file, task in answered])


def _changed_task(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "state": task.state,
        "due_on": task.due_on,
        "assignee": task.assignee,
        "signatures": msgspec.to_builtins(task.signatures) or None,
        "closed_at": task.closed_at,
    }


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
        "closed_at": task.closed_at,
        "assignee": task.assignee,
        "ring_at": task.assigned_at + FIRST_RING_AFTER,
        "rings": 1,
        "item_code": file.item.item_code,
        "submitted_at": file.submitted_at,
        "traceparent": trace.traceparent.get(),
        "first_of_department": next(t for t in file.tasks.values() if t.department == task.department) is task,
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
        "conditions": list(task.conditions) or None,
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
            "channel": move.channel,
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
