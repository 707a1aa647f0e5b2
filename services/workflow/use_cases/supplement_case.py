"""容缺补齐: the applicant hands in what was promised to follow."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from contracts.case import CaseMaterial, Channel
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import lifecycle
from services.workflow.domain.case_file import CaseFile
from services.workflow.use_cases.party import case_of_party, doer, keep


def supplement_case(
    tx: Tx, case_no: str, materials: tuple[CaseMaterial, ...], caller: Principal, channel: Channel
) -> CaseFile:
    """Raises Refusal ``not_found``, ``nothing_to_supplement`` or ``supplement_mismatch``."""
    file = case_of_party(tx, case_no, caller, "cases:correct")
    lifecycle.supplement(file, materials, by=doer(caller, channel), now=tx.now, calendar=holiday_calendar)
    return keep(tx, file)
