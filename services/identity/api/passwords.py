"""密码: its age, the rules, and changing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.db import Tx
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.account_schemas import PasswordChangeSchema, PasswordStateSchema
from services.identity.api.desk import desk
from services.identity.api.own_account import once, own_row, require_password
from services.identity.domain.scopes import OWN_ACCOUNT
from services.identity.use_cases.change_password import change_password, check_new_password

PASSWORDS = Blueprint("passwords", __name__, url_prefix="/api/v1/account", description="密码 / passwords")


@PASSWORDS.get("/password")
@requires(OWN_ACCOUNT)
@PASSWORDS.response(200, PasswordStateSchema)
def show_password() -> Any:
    """密码状态: how old it is, and what a new one has to be."""
    rules, account = desk().door.passwords, own_row()
    return {
        "set_at": account.password_set_at,
        "expires_at": rules.expires_at(account.password_set_at),
        "change_first": account.password_temporary or rules.expired(account.password_set_at, machine_now()),
        "rules": asdict(rules),
    }


@PASSWORDS.post("/password")
@requires(OWN_ACCOUNT)
@PASSWORDS.arguments(PasswordChangeSchema)
@PASSWORDS.response(204)
def post_password(body: dict[str, Any]) -> None:
    """修改密码 (Idempotency-Key required): every other session of the account ends."""
    made = desk()
    known: dict[str, Any] = {}

    def prepare() -> None:
        known["account"] = require_password(body["old"])
        check_new_password(made.passwords, made.door.passwords, known["account"], body["new"])
        known["hash"] = made.passwords.hash(body["new"])

    def change(tx: Tx) -> dict[str, Any]:
        change_password(
            tx, made.door.passwords, known["account"], known["hash"], machine_now(), session_id=principal().session
        )
        return {"changed": True}

    once(change, before=prepare)
