"""Cases over HTTP, the lead department's side: special procedures, extension, termination, delivery, reassignment, counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint

from chassis.auth import Principal, principal, requires
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.idempotency import idempotency_key, once
from contracts.case import Channel
from contracts.item import Limit
from services.workflow.adapters.parties import require_party
from services.workflow.api.applying import materials_of, open_once, submission
from services.workflow.api.conduct_schemas import (
    BeginSpecialProcedureSchema,
    ConductedSchema,
    DeliveryReportSchema,
    ExtensionSchema,
    HandOverSchema,
    IntakeSchema,
    ReasonSchema,
    ReassignedSchema,
    ReassignmentSchema,
)
from services.workflow.api.schemas import CaseStateSchema
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.special_procedure import TOLD_WHEN_REFUSED
from services.workflow.models import db
from services.workflow.use_cases.begin_special_procedure import begin_special_procedure
from services.workflow.use_cases.end_special_procedure import end_special_procedure
from services.workflow.use_cases.extend_case import extend_case, tell_refused_extension
from services.workflow.use_cases.hand_over import hand_over, report_delivery
from services.workflow.use_cases.reassign_task import reassign_task
from services.workflow.use_cases.terminate_case import terminate_case

CONDUCT = Blueprint("conduct", __name__, url_prefix="/api/v1", description="办件办理 / conduct of cases")

ASSURED_BY: dict[str, tuple[Channel, int]] = {
    "officer": ("window", 5),
    "kiosk": ("kiosk", 4),
    "hotline": ("hotline", 2),
}
"""Who takes in for somebody -> channel, and how sure it is of who that is (实名等级)."""


def _once(act: Callable[[Tx, Principal], CaseFile]) -> Any:
    """Do ``act`` once for the request's key, and say where the case stands."""
    caller = principal()

    def conducted(tx: Tx) -> dict[str, Any]:
        file = act(tx, caller)
        return {
            "case_no": file.case_no,
            "state": file.state.value,
            "due_on": None if file.due_on is None else file.due_on.isoformat(),
            "statutory_due_on": None if file.statutory_due_on is None else file.statutory_due_on.isoformat(),
        }

    return once(db, conducted)


@CONDUCT.post("/cases/<case_no>/special-procedures")
@requires("cases:conduct")
@CONDUCT.arguments(BeginSpecialProcedureSchema)
@CONDUCT.response(201, ConductedSchema)
def begin(body: dict[str, Any], case_no: str) -> Any:
    """特别程序: stop the clock for the time told to the applicant (Idempotency-Key required)."""
    asked = {"code": body["code"], "announced": Limit(**body["limit"]), "reason": body["reason"]}
    return _once(lambda tx, who: begin_special_procedure(tx, case_no, who, **asked))


@CONDUCT.post("/cases/<case_no>/special-procedures/end")
@requires("cases:conduct")
@CONDUCT.arguments(ReasonSchema)
@CONDUCT.response(200, ConductedSchema)
def end(body: dict[str, Any], case_no: str) -> Any:
    """特别程序结束: let the clock run again (Idempotency-Key required)."""
    return _once(lambda tx, who: end_special_procedure(tx, case_no, body["reason"], who))


@CONDUCT.post("/cases/<case_no>/extension")
@requires("cases:conduct")
@CONDUCT.arguments(ExtensionSchema)
@CONDUCT.response(200, ConductedSchema)
def extend(body: dict[str, Any], case_no: str) -> Any:
    """延长: put the decision off, once (Idempotency-Key required)."""
    try:
        return _once(lambda tx, who: extend_case(tx, case_no, who, **body))
    except Refusal as refusal:
        if refusal.code in TOLD_WHEN_REFUSED:
            with db.transaction() as tx:
                tell_refused_extension(tx, case_no, refusal, principal())
        raise


@CONDUCT.post("/cases/<case_no>/termination")
@requires("cases:conduct")
@CONDUCT.arguments(ReasonSchema)
@CONDUCT.response(200, ConductedSchema)
def terminate(body: dict[str, Any], case_no: str) -> Any:
    """终止办理: the case has become without object (Idempotency-Key required)."""
    return _once(lambda tx, who: terminate_case(tx, case_no, body["reason"], who))


@CONDUCT.post("/cases/<case_no>/handover")
@requires("cases:conduct")
@CONDUCT.arguments(HandOverSchema)
@CONDUCT.response(200, ConductedSchema)
def handed_over(body: dict[str, Any], case_no: str) -> Any:
    """送达: the result was picked up, or is handed to a courier (Idempotency-Key required)."""
    return _once(lambda tx, who: hand_over(tx, case_no, who, **body))


@CONDUCT.post("/cases/<case_no>/delivery")
@requires("cases:conduct")
@CONDUCT.arguments(DeliveryReportSchema)
@CONDUCT.response(200, ConductedSchema)
def report(body: dict[str, Any], case_no: str) -> Any:
    """寄递进展: on its way, received (送达回证), or returned, of a courier that is not connected (Idempotency-Key required)."""
    return _once(lambda tx, who: report_delivery(tx, case_no, who, **body))


@CONDUCT.post("/tasks/<task_id>/reassignment")
@requires("cases:conduct")
@CONDUCT.arguments(ReassignmentSchema)
@CONDUCT.response(200, ReassignedSchema)
def reassigned(body: dict[str, Any], task_id: str) -> Any:
    """改派: give an open task to another department or officer (Idempotency-Key required)."""
    caller = principal()

    def reassign(tx: Tx) -> dict[str, Any]:
        _file, task = reassign_task(tx, task_id, caller=caller, **body)
        return {
            "task_id": task.task_id,
            "department": task.department,
            "assignee": task.assignee,
            "due_on": task.due_on.isoformat(),
        }

    return once(db, reassign)


@CONDUCT.post("/cases/intake")
@requires("cases:intake")
@CONDUCT.arguments(IntakeSchema)
@CONDUCT.response(201, CaseStateSchema)
def take_in(body: dict[str, Any]) -> Any:
    """窗口收件: hand in for a person who is there; both names are kept (Idempotency-Key required)."""
    key, caller = idempotency_key(), principal()
    channel, level = ASSURED_BY[caller.kind]
    require_party(body["applicant_id"])
    materials = materials_of(body, owners=(body["applicant_id"], caller.party))
    command = submission(
        body | {"channel": channel, "draft_id": None},
        applicant_id=body["applicant_id"],
        submitted_by=caller.subject,
        agent_name=caller.name,
        applicant_name=body["applicant_name"],
        level=level,
        materials=materials,
    )
    return open_once(command, key)
