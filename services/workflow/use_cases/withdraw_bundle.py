"""撤回: take back everything of a bundle that is not decided yet."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.case import Channel
from services.workflow.domain import lifecycle
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.states import UNDECIDED
from services.workflow.use_cases.bundle_of_party import bundle_of_party, keep_all
from services.workflow.use_cases.party import doer


def withdraw_bundle(tx: Tx, bundle_no: str, reason: str, caller: Principal, channel: Channel) -> list[CaseFile]:
    """All cases of the bundle, those withdrawn that were not decided. Raises Refusal ``not_found`` or ``move_not_allowed``."""
    _, files = bundle_of_party(tx, bundle_no, caller, "cases:withdraw")
    running = [file for file in files if file.state in UNDECIDED]
    if not running:
        raise Refusal(
            "move_not_allowed",
            "各件均已办结，不能撤回 / every case is decided; there is nothing to take back",
            bundle_no=bundle_no,
        )
    for file in running:
        lifecycle.withdraw(file, by=doer(caller, channel), reason=reason, now=tx.now)
    keep_all(tx, running)
    return files
