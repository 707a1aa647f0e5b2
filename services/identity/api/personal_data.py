"""个人信息: masked for staff, open to its owner, corrected and erased on request."""

from __future__ import annotations

import secrets
from typing import Any, cast

from flask import current_app, jsonify
from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.db import Tx
from services.identity.api.desk import desk, once
from services.identity.api.people_desk import require_oneself
from services.identity.api.people_schemas import (
    ContactChangeSchema,
    ContactCodeSchema,
    ContactListSchema,
    DataRequestSchema,
    DecidedSchema,
    DecisionSchema,
    DisclosureListSchema,
    MaskedPartySchema,
    RequestListSchema,
    RequestStateSchema,
    RevealedSchema,
    RevealRequestSchema,
    WaitingQuerySchema,
)
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db
from services.identity.use_cases import show_people
from services.identity.use_cases.keep_contact import ContactKind, change_contact, confirm_contact, remove_contact
from services.identity.use_cases.request_about_data import ask, decide
from services.identity.use_cases.reveal_number import reveal_number

PERSONAL_DATA = Blueprint("personal_data", __name__, url_prefix="/api/v1", description="个人信息 / personal data")
KIND = "<any(mobile, email):kind>"


@PERSONAL_DATA.get("/parties/<uuid:party_id>")
@requires("parties:read")
@PERSONAL_DATA.response(200, MaskedPartySchema)
def show_masked(party_id: Any) -> dict[str, str]:
    """当事人（脱敏）."""
    return show_people.masked_party(desk().vault, str(party_id))


@PERSONAL_DATA.post("/parties/<uuid:party_id>/reveals")
@requires("parties:reveal")
@PERSONAL_DATA.arguments(RevealRequestSchema)
@PERSONAL_DATA.response(200, RevealedSchema)
def reveal(body: dict[str, str], party_id: Any) -> Any:
    """查看完整号码, for a case that runs and a reason: both are recorded and shown to the person."""
    with db.transaction() as tx:
        number = reveal_number(
            tx, desk().vault, str(party_id), principal(), case_no=body["case_no"], reason=body["reason"]
        )
    return {"number": number.reveal()}, {"Cache-Control": "no-store"}


@PERSONAL_DATA.get("/my/disclosures")
@requires("data:self")
@PERSONAL_DATA.response(200, DisclosureListSchema)
def show_disclosures() -> dict[str, Any]:
    """谁看过我的信息."""
    require_oneself()
    return {"disclosures": show_people.disclosures_of(principal().party)}


@PERSONAL_DATA.get("/my/data")
@requires("data:self")
@PERSONAL_DATA.response(200)
def export() -> Any:
    """导出我的信息: everything that the identity service holds of the caller's party, as JSON to keep."""
    require_oneself()
    answer = jsonify(show_people.own_data(desk().vault, principal().party))
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@PERSONAL_DATA.get("/my/contacts")
@requires("data:self")
@PERSONAL_DATA.response(200, ContactListSchema)
def show_contacts() -> dict[str, Any]:
    """我的联系方式."""
    require_oneself()
    return {"contacts": show_people.own_contacts(desk().vault, principal().party)}


@PERSONAL_DATA.put(f"/my/contacts/{KIND}")
@requires("data:self")
@PERSONAL_DATA.arguments(ContactChangeSchema)
@PERSONAL_DATA.response(202, ContactListSchema)
def put_contact(body: dict[str, Sensitive], kind: str) -> dict[str, Any]:
    """更改联系方式: it is in force when the code that is sent to it has come back."""
    require_oneself()
    vault, party_id = desk().vault, principal().party
    with db.transaction() as tx:
        change_contact(tx, vault, party_id, cast("ContactKind", kind), body["address"])
    return {"contacts": show_people.own_contacts(vault, party_id)}


@PERSONAL_DATA.post(f"/my/contacts/{KIND}/confirmation")
@requires("data:self")
@PERSONAL_DATA.arguments(ContactCodeSchema)
@PERSONAL_DATA.response(200, ContactListSchema)
def post_code(body: dict[str, Sensitive], kind: str) -> dict[str, Any]:
    """验证联系方式, with the code that was sent."""
    require_oneself()
    vault, party_id = desk().vault, principal().party
    confirm_contact(vault, party_id, cast("ContactKind", kind), body["code"])
    return {"contacts": show_people.own_contacts(vault, party_id)}


@PERSONAL_DATA.delete(f"/my/contacts/{KIND}")
@requires("data:self")
@PERSONAL_DATA.response(204)
def delete_contact(kind: str) -> None:
    """删除联系方式. May be repeated."""
    require_oneself()
    with db.transaction() as tx:
        remove_contact(tx, principal().party, cast("ContactKind", kind))


@PERSONAL_DATA.get("/my/data-requests")
@requires("data:self")
@PERSONAL_DATA.response(200, RequestListSchema)
def show_requests() -> dict[str, Any]:
    """我的更正与删除请求."""
    require_oneself()
    return {"requests": show_people.requests_of(desk().vault, principal().party)}


@PERSONAL_DATA.post("/my/data-requests")
@requires("data:self")
@PERSONAL_DATA.arguments(DataRequestSchema)
@PERSONAL_DATA.response(201, RequestStateSchema)
def post_request(body: dict[str, Any]) -> Any:
    """请求更正或删除 (Idempotency-Key required). Erasure is turned down at once, and recorded, while a case runs."""
    require_oneself()
    days: int = current_app.extensions["tongban"].settings.data_request_days
    caller, vault = principal(), desk().vault
    return once(
        lambda tx: ask(tx, vault, caller.party, body["kind"], body["details"], by=caller.subject, working_days=days)
    )


@PERSONAL_DATA.get("/data-requests")
@requires("data:decide")
@PERSONAL_DATA.arguments(WaitingQuerySchema, location="query")
@PERSONAL_DATA.response(200, RequestListSchema)
def show_waiting(query: dict[str, int]) -> dict[str, Any]:
    """待答复的请求: those due first before the others."""
    return {"requests": show_people.open_requests(desk().vault, query["limit"])}


@PERSONAL_DATA.post("/data-requests/<uuid:request_id>/decision")
@requires("data:decide")
@PERSONAL_DATA.arguments(DecisionSchema)
@PERSONAL_DATA.response(200, DecidedSchema)
def post_decision(body: dict[str, Any], request_id: Any) -> Any:
    """答复请求, with the reason that the person reads (Idempotency-Key required). A granted erasure cannot be undone."""
    closed_hash = desk().passwords.hash(Sensitive(secrets.token_hex(32)))
    by = principal().subject

    def carry_out(tx: Tx) -> dict[str, Any]:
        decide(tx, str(request_id), closed_hash=closed_hash, by=by, **body)
        return {"request_id": str(request_id), "state": "granted" if body["granted"] else "refused"}

    return once(carry_out)
