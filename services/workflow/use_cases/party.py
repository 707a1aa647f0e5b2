"""Whose case it is, and who really acts."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.case import Channel
from contracts.rights import permits
from services.workflow.adapters import case_store
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer


def doer(caller: Principal, channel: Channel | None = None) -> Doer:
    """The account behind the caller; with both names when it acts for another under a delegation."""
    if caller.actor is None:
        return Doer(caller.subject, channel=channel)
    return Doer(caller.actor.subject, caller.actor.name, caller.name, channel)


def of_department(caller: Principal) -> Doer:
    """The department that acts, through an officer, whose name is kept, or its own system. Raises Refusal ``forbidden``."""
    if caller.department is None:
        raise Refusal("forbidden", "仅部门可用 / for departments only")
    if caller.kind == "officer":
        return Doer(caller.department, name=caller.name, channel="web")
    return Doer(caller.department, channel="api")


def case_of_lead(tx: Tx, case_no: str, caller: Principal) -> CaseFile:
    """The case, locked, if the caller's department leads it. Raises Refusal ``not_found``."""
    file = case_store.load(tx, [case_no]).get(case_no)
    if file is None or not permits(caller, "cases:conduct", lead=file.item.lead_department):
        raise Refusal("not_found", "没有此办件 / there is no such case", case_no=case_no)
    return file


def keep(tx: Tx, file: CaseFile) -> CaseFile:
    """Tell and save what was done to the case."""
    case_store.tell(tx, file)
    case_store.save(tx, [file])
    return file


def require_item(caller: Principal, item_code: str) -> None:
    """Whether the caller may apply for this item in the name of its party. Raises Refusal ``item_not_delegated``."""
    if not permits(caller, "cases:submit", party=caller.party, item=item_code):
        raise Refusal(
            "item_not_delegated", "授权不包括该事项 / the delegation does not include this item", item_code=item_code
        )


def case_of_party(tx: Tx, case_no: str, caller: Principal, action: str) -> CaseFile:
    """The case, locked, if the caller may do ``action`` to it. Raises Refusal ``not_found``."""
    file = case_store.load(tx, [case_no]).get(case_no)
    if file is None or not permits(caller, action, party=file.applicant_id, item=file.item.item_code):
        raise Refusal("not_found", "没有此办件 / there is no such case", case_no=case_no)
    return file
