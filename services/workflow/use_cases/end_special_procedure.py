"""特别程序结束: let the clock of a case run again before its time is over."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import special_procedure
from services.workflow.domain.case_file import CaseFile
from services.workflow.use_cases.party import case_of_lead, keep, of_department


def end_special_procedure(tx: Tx, case_no: str, why: str, caller: Principal) -> CaseFile:
    """Raises Refusal ``not_found`` or ``no_special_procedure``."""
    file = case_of_lead(tx, case_no, caller)
    by = of_department(caller)
    special_procedure.end_special_procedure(file, why=why, by=by, now=tx.now, calendar=holiday_calendar)
    return keep(tx, file)
