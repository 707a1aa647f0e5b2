"""The directory: departments, parties, accounts, client systems. Written by system administrators; accounts of staff by
security administrators.
"""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, public, requires
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.rights import permits
from services.identity import queries
from services.identity.adapters.numbers import credit_code, identity_number
from services.identity.api.desk import desk, once
from services.identity.api.schemas import (
    AccountIdSchema,
    AccountSchema,
    ClientIdSchema,
    ClientSchema,
    DepartmentListSchema,
    DepartmentSchema,
    PartyIdSchema,
    PartySchema,
)
from services.identity.domain.directory import Account, Department, Party
from services.identity.domain.sensitive import Sensitive
from services.identity.use_cases.open_account import open_account
from services.identity.use_cases.register_client import register_client
from services.identity.use_cases.register_department import register_department
from services.identity.use_cases.register_party import register_party
from services.identity.use_cases.register_relying_party import require_public_keys

REGISTRATIONS = Blueprint("registrations", __name__, url_prefix="/api/v1", description="名录 / the directory")


@REGISTRATIONS.get("/departments")
@public
@REGISTRATIONS.response(200, DepartmentListSchema)
def show_departments() -> dict[str, Any]:
    """部门名录: every department."""
    return {"departments": queries.list_departments()}


@REGISTRATIONS.post("/departments")
@requires("identity:admin")
@REGISTRATIONS.arguments(DepartmentSchema)
@REGISTRATIONS.response(201, DepartmentSchema)
def post_department(body: dict[str, Any]) -> Any:
    """部门登记 (Idempotency-Key required)."""
    department = Department(**(body | {"uscc": credit_code(body["uscc"])}))

    def register(tx: Tx) -> dict[str, Any]:
        register_department(tx, department, by=principal().subject)
        return body | {"uscc": department.uscc}

    return once(register)


@REGISTRATIONS.post("/parties")
@requires("identity:admin")
@REGISTRATIONS.arguments(PartySchema)
@REGISTRATIONS.response(201, PartyIdSchema)
def post_party(body: dict[str, Any]) -> Any:
    """当事人登记 (Idempotency-Key required)."""
    if body["kind"] == "person":
        number = identity_number(body["identity_number"], clock.now())
    else:
        number = Sensitive(credit_code(body["uscc"]))
    party = Party(kind=body["kind"], name=body["name"], number=number)
    by = principal().subject
    return once(lambda tx: {"party_id": register_party(tx, desk().vault, party, by=by)})


@REGISTRATIONS.post("/accounts")
@requires("accounts:open")
@REGISTRATIONS.arguments(AccountSchema)
@REGISTRATIONS.response(201, AccountIdSchema)
def post_account(body: dict[str, Any]) -> Any:
    """开户: persons' accounts by system administrators, staff's by security administrators (Idempotency-Key required)."""
    if not permits(principal(), "accounts:open", kind=body["kind"]):
        raise Refusal(
            "forbidden",
            "个人账号由系统管理员开立，工作人员账号由安全管理员开立"
            " / system administrators open accounts of persons, security administrators those of staff",
        )
    password_hash = desk().passwords.hash(body.pop("password"))
    account = Account(**body)
    by = principal().subject
    return once(lambda tx: {"account_id": open_account(tx, account, password_hash, by=by)})


@REGISTRATIONS.post("/clients")
@requires("identity:admin")
@REGISTRATIONS.arguments(ClientSchema)
@REGISTRATIONS.response(201, ClientIdSchema)
def post_client(body: dict[str, Any]) -> Any:
    """部门系统接入 (Idempotency-Key required)."""
    secret, jwks = body.get("client_secret"), body.get("jwks")
    if jwks is not None:
        require_public_keys(jwks)
    secret_hash = None if secret is None else desk().passwords.hash(secret)
    client_id, department = body["client_id"], body["department"]

    def register(tx: Tx) -> dict[str, Any]:
        register_client(tx, client_id, department, secret_hash, body["kind"], by=principal().subject, jwks=jwks)
        return {"client_id": client_id, "department": department}

    return once(register)
