"""From a request's body to an application, wherever it is handed in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import current_app

from chassis import clock
from chassis.idempotency import IdempotencyKey, once
from contracts.case import CaseMaterial
from services.workflow.adapters.case_numbers import next_case_no
from services.workflow.adapters.items import item_in_force
from services.workflow.adapters.receipts import ReceiptReader
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.deadline import law_date
from services.workflow.domain.opening import Choices
from services.workflow.models import db
from services.workflow.use_cases.submit_case import SubmitCase, submit_case

RECEIPTS = "workflow.receipts"


def receipts() -> ReceiptReader:
    """Reads what documents signed."""
    reader: ReceiptReader = current_app.extensions["tongban"].parts[RECEIPTS]
    return reader


def materials_of(body: dict[str, Any], *, owners: Collection[str]) -> tuple[CaseMaterial, ...]:
    """The materials of an application, each uploaded by one of ``owners``."""
    return receipts().read(body["materials"], owners=owners, item_code=body["item_code"])


def submission(body: dict[str, Any], **who: Any) -> SubmitCase:
    """The application that the body holds, handed in by ``who``."""
    eligibility: dict[str, bool] = body["eligibility"]
    return SubmitCase(
        item_code=body["item_code"],
        item_version=body["item_version"],
        channel=body["channel"],
        form=body["form"],
        draft_id=None if body["draft_id"] is None else str(body["draft_id"]),
        renews_licence=body["renews_licence"],
        choices=Choices(
            later=tuple(body["later"]),
            commitment=body["commitment"],
            delivery_way=body["delivery_way"],
            address=body["delivery_address"],
            eligibility=eligibility,
        ),
        **who,
    )


def open_once(command: SubmitCase, key: IdempotencyKey) -> Any:
    """Open the case, once for the request's key."""
    today = law_date(clock.now())
    with db.read() as connection:
        item_in_force(connection, command.item_code, today)
    case_no = next_case_no(command.item_code, today)
    return once(db, lambda tx: state_of(submit_case(tx, command, case_no)), key=key)


def state_of(file: CaseFile) -> dict[str, Any]:
    """Where a case stands, as an answer."""
    return {"case_no": file.case_no, "state": file.state.value, "accept_by": file.accept_by.isoformat()}
