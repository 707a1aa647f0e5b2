"""Cases over HTTP: apply, look, correct, withdraw."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, requires
from chassis.idempotency import claim_key, idempotency_key, store_answer
from services.workflow import queries
from services.workflow.adapters.case_numbers import next_case_no
from services.workflow.adapters.items import item_in_force
from services.workflow.adapters.receipts import ReceiptReader
from services.workflow.api.schemas import (
    CaseListQuerySchema,
    CaseListSchema,
    CaseSchema,
    CaseStateSchema,
    CorrectionSchema,
    SubmitCaseSchema,
    WithdrawalSchema,
)
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.deadline import law_date
from services.workflow.models import db
from services.workflow.use_cases.correct_case import correct_case
from services.workflow.use_cases.party import doer, require_item
from services.workflow.use_cases.submit_case import SubmitCase, submit_case
from services.workflow.use_cases.withdraw_case import withdraw_case

CASES = Blueprint("cases", __name__, url_prefix="/api/v1/cases", description="办件 / cases")
RECEIPTS = "workflow.receipts"


def _receipts() -> ReceiptReader:
    reader: ReceiptReader = current_app.extensions["tongban"].parts[RECEIPTS]
    return reader


def _state(file: CaseFile) -> dict[str, Any]:
    return {"case_no": file.case_no, "state": file.state.value, "accept_by": file.accept_by.isoformat()}


@CASES.post("")
@requires("cases:submit")
@CASES.arguments(SubmitCaseSchema)
@CASES.response(201, CaseStateSchema)
def submit(body: dict[str, Any]) -> Any:
    """网上申请: hand in an application; the draft it was written in goes with it (Idempotency-Key required)."""
    key, caller = idempotency_key(), principal()
    require_item(caller, body["item_code"])
    who = doer(caller)
    command = SubmitCase(
        item_code=body["item_code"],
        item_version=body["item_version"],
        applicant_id=caller.party,
        submitted_by=who.account_id,
        agent_name=who.name,
        applicant_name=who.represented,
        level=caller.level,
        channel=body["channel"],
        form=body["form"],
        materials=_receipts().read(body["materials"], owner_id=caller.party, item_code=body["item_code"]),
        draft_id=None if body["draft_id"] is None else str(body["draft_id"]),
    )
    today = law_date(clock.now())
    with db.read() as connection:
        item_in_force(connection, command.item_code, today)
    case_no = next_case_no(command.item_code, today)
    with db.transaction() as tx:
        if earlier := claim_key(tx, db, key):
            return earlier
        answer = _state(submit_case(tx, command, case_no))
        store_answer(tx, db, key, answer)
        return answer


@CASES.get("")
@requires("cases:read")
@CASES.arguments(CaseListQuerySchema, location="query")
@CASES.response(200, CaseListSchema)
def list_mine(query: dict[str, Any]) -> dict[str, Any]:
    """我的办件: the caller's cases, newest first."""
    page = queries.cases_of(principal(), before=query["before"])
    return {"cases": page, "next": page[-1]["case_no"] if len(page) == queries.PAGE else None}


@CASES.get("/<case_no>")
@requires("cases:read")
@CASES.response(200, CaseSchema)
def show(case_no: str) -> dict[str, Any]:
    """办件详情: one case with tasks, materials, deadlines and timeline."""
    return queries.case_for(principal(), case_no)


@CASES.post("/<case_no>/withdrawal")
@requires("cases:withdraw")
@CASES.arguments(WithdrawalSchema)
@CASES.response(200, CaseStateSchema)
def withdraw(body: dict[str, Any], case_no: str) -> Any:
    """撤回申请 (Idempotency-Key required)."""
    key = idempotency_key()
    with db.transaction() as tx:
        if earlier := claim_key(tx, db, key):
            return earlier
        answer = _state(withdraw_case(tx, case_no, body["reason"], principal()))
        store_answer(tx, db, key, answer)
        return answer


@CASES.post("/<case_no>/corrections")
@requires("cases:correct")
@CASES.arguments(CorrectionSchema)
@CASES.response(200, CaseStateSchema)
def correct(body: dict[str, Any], case_no: str) -> Any:
    """补正: hand in what the notice asked for (Idempotency-Key required)."""
    key, caller = idempotency_key(), principal()
    materials = _receipts().read(body["materials"], owner_id=caller.party, item_code=case_no[:31])
    with db.transaction() as tx:
        if earlier := claim_key(tx, db, key):
            return earlier
        answer = _state(correct_case(tx, case_no, materials, caller))
        store_answer(tx, db, key, answer)
        return answer
