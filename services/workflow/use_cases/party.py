"""Whose case it is."""

from __future__ import annotations

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from services.workflow.adapters import case_store
from services.workflow.domain.case_file import CaseFile


def case_of_party(tx: Tx, case_no: str, caller: Principal) -> CaseFile:
    """The case, locked, if the caller acts for its applicant. Raises Refusal ``not_found``."""
    file = case_store.load(tx, [case_no]).get(case_no)
    if file is None or file.applicant_id != caller.party:
        raise Refusal("not_found", "没有此办件 / there is no such case", case_no=case_no)
    return file
