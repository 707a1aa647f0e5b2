"""终止办理: end a case that has become without object."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from services.workflow.domain import lifecycle
from services.workflow.domain.case_file import CaseFile
from services.workflow.use_cases.party import case_of_lead, keep, of_department


def terminate_case(tx: Tx, case_no: str, reason: str, caller: Principal) -> CaseFile:
    """Raises Refusal ``not_found`` or ``move_not_allowed``."""
    file = case_of_lead(tx, case_no, caller)
    lifecycle.terminate(file, by=of_department(caller), reason=reason, now=tx.now)
    return keep(tx, file)
