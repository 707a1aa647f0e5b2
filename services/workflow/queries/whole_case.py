"""One case whole: all that a citizen or an officer asks about it, in the same number of statements whatever its size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from services.workflow.adapters import case_store
from services.workflow.adapters.addresses import ADDRESSES
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.adapters.rights import readable_cases
from services.workflow.adapters.shipments import shipments_of
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Task
from services.workflow.domain.clocks import clocks_of
from services.workflow.domain.outlook import next_actions, waiting_for
from services.workflow.models import case_materials, cases, db, transitions
from services.workflow.queries.case_list import summary_of
from services.workflow.queries.estimates import estimate_of


def require_readable(caller: Principal, case_no: str) -> None:
    """Refuse who may not see the case. Raises Refusal ``not_found``."""
    with db.read() as connection:
        _require(connection, caller, case_no)


def _require(connection: sa.Connection, caller: Principal, case_no: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(cases).where(cases.c.case_no == case_no, readable_cases(caller))).one_or_none()
    if row is None:
        raise Refusal("not_found", "没有此办件 / there is no such case", case_no=case_no)
    return row


def case_for(caller: Principal, case_no: str) -> dict[str, Any]:
    """One case with its tasks, materials, notice, clocks and why, timeline, estimate, and what its reader may do next.

    An officer sees of form and materials what the department's tasks need. Raises Refusal ``not_found``.
    """
    with db.read() as connection:
        row = _require(connection, caller, case_no)
        file = case_store.load(Tx(connection, db), [case_no], lock=False)[case_no]
        timeline = _timeline(connection, case_no)
        fields, codes = _needed(file, caller)
        may_see_delivery = caller.kind != "officer" or caller.department == file.item.lead_department
        return summary_of(row, file.item.name) | {
            "submitted_by": file.submitted_by,
            "agent_name": file.agent_name,
            "applicant_name": file.applicant_name,
            "form": {name: value for name, value in file.form.items() if fields is None or name in fields},
            "tasks": sorted(file.tasks.values(), key=lambda task: (task.assigned_at, task.task_id)),
            "materials": [m for m in _materials(connection, case_no) if codes is None or m["code"] in codes],
            "timeline": timeline,
            "decision_reason": file.decision_reason,
            "decided_by": file.decided_by,
            "statutory_due_on": file.statutory_due_on,
            "mode": file.mode,
            "batch": file.batch,
            "promises": file.promises,
            "delivery_way": file.delivery_way,
            "delivery": ADDRESSES.open(case_no, file.delivery) if may_see_delivery else None,
            "shipments": shipments_of(connection, case_no) if file.delivery_way == "post" else [],
            "special_procedures": file.clock.stops,
            "extension": file.clock.extended,
            "delivered_at": file.delivered_at,
            "licence_until": file.licence_until,
            "notice": _notice(file, timeline),
            "clocks": clocks_of(file, holiday_calendar),
            "waiting_for": waiting_for(file),
            "next_actions": next_actions(file, caller),
            "estimate": estimate_of(connection, file),
        }


def _needed(file: CaseFile, caller: Principal) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """Which fields of the form and which materials the caller sees; None: all."""
    if caller.kind != "officer":
        return None, None
    steps = [file.step_of(task) for task in file.tasks.values() if task.department == caller.department]
    return _union(step.fields for step in steps), _union(step.materials for step in steps)


def _union(parts: Iterable[tuple[str, ...] | None]) -> frozenset[str] | None:
    """What any of the parts names; None, which is everything, if one of them is."""
    found: set[str] = set()
    for part in parts:
        if part is None:
            return None
        found.update(part)
    return frozenset(found)


def _notice(file: CaseFile, timeline: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The one correction notice, once it has gone out: what each department found wrong."""
    told = next((move["at"] for move in timeline if move["after"] == "awaiting_correction"), None)
    if told is None:
        return None
    names = {rule.code: rule.name for rule in file.item.materials}
    asked: list[Task] = [task for task in file.tasks.values() if task.verdict == "correction_needed"]
    defects = [
        {
            "department": task.department,
            "material_code": defect.material_code,
            "name": names.get(defect.material_code, defect.material_code),
            "problem": defect.problem,
        }
        for task in sorted(asked, key=lambda task: task.task_id)
        for defect in task.defects
    ]
    return {"told_at": told, "correct_by": file.correct_by, "defects": defects}


def _materials(connection: sa.Connection, case_no: str) -> list[dict[str, Any]]:
    m = case_materials.c
    statement = sa.select(case_materials).where(m.case_no == case_no).order_by(m.position)
    return [dict(row._mapping) for row in connection.execute(statement)]


def _timeline(connection: sa.Connection, case_no: str) -> list[dict[str, Any]]:
    t = transitions.c
    statement = sa.select(transitions).where(t.case_no == case_no).order_by(t.seq)
    return [dict(row._mapping) for row in connection.execute(statement)]


def moves_after(case_no: str, seq: int) -> list[dict[str, Any]]:
    """The moves of a case after number ``seq``: from, to, when; the caller has looked whether they may be seen."""
    t = transitions.c
    statement = sa.select(t.seq, t.before, t.after, t.at).where(t.case_no == case_no, t.seq > seq).order_by(t.seq)
    with db.read() as connection:
        return [dict(row._mapping) for row in connection.execute(statement)]
