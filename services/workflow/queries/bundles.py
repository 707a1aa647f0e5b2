"""What was applied for at once (一件事), whole: every case, what is outstanding, one list of what to correct."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.rights import clause, one_of
from contracts.item import Package
from contracts.rights import needs
from services.workflow.adapters import case_store
from services.workflow.adapters.packages import package_version
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.outlook import next_actions, waiting_for
from services.workflow.domain.states import UNDECIDED, CaseState
from services.workflow.models import bundles, cases, db

MOST = 100


def bundles_of(caller: Principal) -> list[dict[str, Any]]:
    """The caller's bundles, the latest first."""
    own = sa.select(bundles).where(sa.exists().where(cases.c.bundle_no == bundles.c.bundle_no, _readable(caller)))
    with db.read() as connection:
        rows = connection.execute(own.order_by(bundles.c.submitted_at.desc(), bundles.c.bundle_no).limit(MOST))
        return [_summary(row, package_version(connection, row.package_code, row.package_version)) for row in rows]


def bundle_for(caller: Principal, bundle_no: str) -> dict[str, Any]:
    """One bundle with those of its cases that the caller may see. Raises Refusal ``not_found``."""
    mine = sa.select(cases.c.case_no).join(bundles, cases.c.bundle_no == bundles.c.bundle_no)
    with db.read() as connection:
        case_nos = connection.execute(mine.where(bundles.c.bundle_no == bundle_no, _readable(caller))).scalars().all()
        if not case_nos:
            raise Refusal("not_found", "没有此联办件 / there is no such bundle", bundle_no=bundle_no)
        row = connection.execute(sa.select(bundles).where(bundles.c.bundle_no == bundle_no)).one()
        package = package_version(connection, row.package_code, row.package_version)
        files = case_store.load(Tx(connection, db), case_nos, lock=False)
        return _summary(row, package) | {
            "cases": [_case(file, caller) for file in files.values()],
            "notices": [notice for file in files.values() for notice in _notices(file, package)],
            "left_out": row.left_out or [],
            "all_decided": row.decided_at is not None,
            "delivered": all(file.state not in (*UNDECIDED, CaseState.APPROVED) for file in files.values()),
        }


def _readable(caller: Principal) -> sa.ColumnElement[bool]:
    """The applicant's own cases, those of a bundle that the officer's department leads, or all."""
    fields = {
        "party": one_of(cases.c.applicant_id),
        "item": one_of(cases.c.item_code),
        "lead": one_of(bundles.c.lead_department),
    }
    return clause(needs(caller, "bundles:read"), fields)


def _summary(row: Any, package: Package) -> dict[str, Any]:
    return {
        "bundle_no": row.bundle_no,
        "package_code": row.package_code,
        "package_version": row.package_version,
        "name": package.name,
        "name_en": package.name_en,
        "lead_department": row.lead_department,
        "submitted_at": row.submitted_at,
        "decided_at": row.decided_at,
    }


def _case(file: CaseFile, caller: Principal) -> dict[str, Any]:
    return {
        "case_no": file.case_no,
        "item_code": file.item.item_code,
        "item_version": file.item.version,
        "item_name": file.item.name,
        "state": file.state,
        "delivery_way": file.delivery_way,
        "accept_by": file.accept_by,
        "due_on": file.due_on,
        "statutory_due_on": file.statutory_due_on,
        "decided_at": file.decided_at,
        "delivered_at": file.delivered_at,
        "licence_no": file.licence_no,
        "waiting_for": waiting_for(file),
        "next_actions": next_actions(file, caller),
    }


def _notices(file: CaseFile, package: Package) -> list[dict[str, Any]]:
    """What the case's one notice asks for now, in the package's words."""
    if file.state is not CaseState.AWAITING_CORRECTION:
        return []
    codes = next(part.materials for part in package.parts if part.item_code == file.item.item_code)
    names = {rule.code: rule.name for rule in package.materials}
    asked = [task for task in file.latest().values() if task.verdict == "correction_needed"]
    return [
        {
            "case_no": file.case_no,
            "correct_by": file.correct_by,
            "department": task.department,
            "item_code": file.item.item_code,
            "item_material_code": defect.material_code,
            "material_code": (target := codes.get(defect.material_code, defect.material_code)),
            "name": names.get(target, target),
            "problem": defect.problem,
        }
        for task in sorted(asked, key=lambda task: task.task_id)
        for defect in task.defects
    ]
