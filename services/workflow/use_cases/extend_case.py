"""延长: give a decision more time, once, with the approval that the law asks for."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.case import CaseExtensionRefused
from contracts.item import Rank
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import special_procedure
from services.workflow.domain.case_file import CaseFile
from services.workflow.use_cases.party import case_of_lead, keep, of_department


def extend_case(tx: Tx, case_no: str, caller: Principal, *, reason: str, approved_by: str, rank: Rank) -> CaseFile:
    """Raises Refusal ``not_found``, ``nothing_to_extend``, ``extension_not_allowed`` or one that supervision hears of."""
    file = case_of_lead(tx, case_no, caller)
    special_procedure.extend(
        file,
        reason=reason,
        approved_by=approved_by,
        rank=rank,
        by=of_department(caller),
        now=tx.now,
        calendar=holiday_calendar,
    )
    return keep(tx, file)


def tell_refused_extension(tx: Tx, case_no: str, refusal: Refusal, caller: Principal) -> None:
    """Supervision hears of an extension that the law does not allow, though nothing came of it (rule T8)."""
    file = case_of_lead(tx, case_no, caller)
    department = of_department(caller).account_id
    file.events.append(
        CaseExtensionRefused(case_no=case_no, department=department, code=refusal.code, detail=refusal.detail)
    )
    file.changed = True
    keep(tx, file)
