"""Cases over HTTP: apply, correct, withdraw."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.idempotency import idempotency_key, once
from services.workflow.api.applying import materials_of, open_once, receipts, state_of, submission
from services.workflow.api.schemas import (
    CaseStateSchema,
    CorrectionSchema,
    SubmitCaseSchema,
    WithdrawalSchema,
)
from services.workflow.models import db
from services.workflow.use_cases.correct_case import correct_case
from services.workflow.use_cases.party import doer, require_item
from services.workflow.use_cases.supplement_case import supplement_case
from services.workflow.use_cases.withdraw_case import withdraw_case

CASES = Blueprint("cases", __name__, url_prefix="/api/v1/cases", description="办件 / cases")


@CASES.post("")
@requires("cases:submit")
@CASES.arguments(SubmitCaseSchema)
@CASES.response(201, CaseStateSchema)
def submit(body: dict[str, Any]) -> Any:
    """网上申请: hand in an application; the draft it was written in goes with it (Idempotency-Key required)."""
    key, caller = idempotency_key(), principal()
    require_item(caller, body["item_code"])
    who = doer(caller)
    command = submission(
        body,
        applicant_id=caller.party,
        submitted_by=who.account_id,
        agent_name=who.name,
        applicant_name=who.represented,
        level=caller.level,
        materials=materials_of(body, owners=(caller.party,)),
    )
    return open_once(command, key)


@CASES.post("/<case_no>/withdrawal")
@requires("cases:withdraw")
@CASES.arguments(WithdrawalSchema)
@CASES.response(200, CaseStateSchema)
def withdraw(body: dict[str, Any], case_no: str) -> Any:
    """撤回申请 (Idempotency-Key required)."""
    caller = principal()
    return once(db, lambda tx: state_of(withdraw_case(tx, case_no, body["reason"], caller, body["channel"])))


@CASES.post("/<case_no>/corrections")
@requires("cases:correct")
@CASES.arguments(CorrectionSchema)
@CASES.response(200, CaseStateSchema)
def correct(body: dict[str, Any], case_no: str) -> Any:
    """补正: hand in what the notice asked for (Idempotency-Key required)."""
    caller = principal()
    materials = receipts().read(body["materials"], owners=(caller.party,), item_code=case_no[:31])
    return once(db, lambda tx: state_of(correct_case(tx, case_no, materials, caller, body["channel"])))


@CASES.post("/<case_no>/supplements")
@requires("cases:correct")
@CASES.arguments(CorrectionSchema)
@CASES.response(200, CaseStateSchema)
def supplement(body: dict[str, Any], case_no: str) -> Any:
    """容缺补齐: hand in what was promised to follow, at once or one by one (Idempotency-Key required)."""
    caller = principal()
    materials = receipts().read(body["materials"], owners=(caller.party,), item_code=case_no[:31])
    return once(db, lambda tx: state_of(supplement_case(tx, case_no, materials, caller, body["channel"])))
