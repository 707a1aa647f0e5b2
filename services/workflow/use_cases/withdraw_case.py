"""撤回: the applicant takes the application back before the decision."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from contracts.case import Channel
from services.workflow.adapters import case_store
from services.workflow.domain import lifecycle
from services.workflow.domain.case_file import CaseFile
from services.workflow.use_cases.party import case_of_party, doer


def withdraw_case(tx: Tx, case_no: str, reason: str, caller: Principal, channel: Channel) -> CaseFile:
    """Withdraw; open tasks are cancelled. Raises Refusal ``not_found`` or ``move_not_allowed``."""
    file = case_of_party(tx, case_no, caller, "cases:withdraw")
    lifecycle.withdraw(file, by=doer(caller, channel), reason=reason, now=tx.now)
    case_store.tell(tx, file)
    case_store.save(tx, [file])
    return file
