"""特别程序: stop the clock of a case for the time that the applicant is told."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from contracts.item import Limit
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import special_procedure
from services.workflow.domain.case_file import CaseFile
from services.workflow.use_cases.party import case_of_lead, keep, of_department


def begin_special_procedure(
    tx: Tx, case_no: str, caller: Principal, *, code: str, announced: Limit, reason: str
) -> CaseFile:
    """Raises Refusal ``not_found``, ``special_procedure_unknown``, ``special_procedure_too_long``, ``move_not_allowed``."""
    file = case_of_lead(tx, case_no, caller)
    by = of_department(caller)
    special_procedure.begin_special_procedure(
        file, code, announced, reason=reason, by=by, now=tx.now, calendar=holiday_calendar
    )
    return keep(tx, file)
