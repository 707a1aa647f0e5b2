"""重置: what the security administrator does for whoever has lost the password or the telephone."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.account_schemas import FirstPasswordSchema
from services.identity.api.desk import desk
from services.identity.api.own_account import once
from services.identity.use_cases.reset_account import reset_account

RESETS = Blueprint("resets", __name__, url_prefix="/api/v1/accounts", description="重置账号 / resetting accounts")


@RESETS.post("/<account_id>/reset")
@requires("security:admin")
@RESETS.arguments(FirstPasswordSchema)
@RESETS.response(204)
def post_reset(body: dict[str, Any], account_id: str) -> None:
    """重置账号 (Idempotency-Key required): a password for one sign-in; factors and sessions are gone. Not one's own."""
    if account_id == principal().subject:
        raise Refusal("forbidden", "不能重置自己的账号 / nobody resets the own account")
    made: dict[str, str] = {}

    def hash_password() -> None:
        made["hash"] = desk().passwords.hash(body["password"])

    def reset(tx: Tx) -> dict[str, Any]:
        reset_account(tx, account_id, made["hash"], machine_now(), by=principal().subject)
        return {"reset": True}

    once(reset, before=hash_password)
