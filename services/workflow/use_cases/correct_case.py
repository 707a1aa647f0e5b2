"""补正: the applicant hands in what the one notice asked for."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from contracts.case import CaseMaterial, Channel
from services.workflow.adapters import case_store
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import lifecycle
from services.workflow.domain.case_file import CaseFile
from services.workflow.use_cases.party import case_of_party, doer


def correct_case(
    tx: Tx, case_no: str, materials: tuple[CaseMaterial, ...], caller: Principal, channel: Channel
) -> CaseFile:
    """Replace materials. Raises Refusal ``not_found``, ``no_correction_asked`` or ``correction_mismatch``."""
    file = case_of_party(tx, case_no, caller, "cases:correct")
    lifecycle.correct(file, materials, by=doer(caller, channel), now=tx.now, calendar=holiday_calendar)
    case_store.tell(tx, file)
    case_store.save(tx, [file])
    return file
