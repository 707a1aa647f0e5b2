"""第二因素: an account's owner sets up, lists and removes authenticator app, passkeys and recovery codes.

What answers with a secret replaces what was there, so it may simply be asked again, and no secret is kept as an answer.
"""

from __future__ import annotations

from typing import Any

import segno
from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.db import Tx
from services.identity import queries
from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.totp import enrolment_uri
from services.identity.api.account_schemas import (
    FactorsSchema,
    NewPasskeySchema,
    PasskeyIdSchema,
    PasskeyNameSchema,
    PasskeyOptionsSchema,
    PasswordOnlySchema,
    RecoveryCodesSchema,
    TotpCodeSchema,
    TotpSecretSchema,
)
from services.identity.api.desk import desk
from services.identity.api.own_account import (
    NOT_STORED,
    ceremonies,
    once,
    own_account,
    own_row,
    require_password,
)
from services.identity.domain.factors import must_have_second
from services.identity.domain.scopes import OWN_ACCOUNT
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db
from services.identity.use_cases import enrol_totp, passkeys, removal
from services.identity.use_cases.attempts import make_attempt
from services.identity.use_cases.recovery_codes import make_recovery_codes

FACTORS = Blueprint("factors", __name__, url_prefix="/api/v1/account", description="第二因素 / second factors")


@FACTORS.get("/factors")
@requires(OWN_ACCOUNT)
@FACTORS.response(200, FactorsSchema)
def show_factors() -> Any:
    """第二因素: what the account has."""
    account_id = own_account()
    totp = queries.totp_of(account_id)
    answer = {
        "required": must_have_second(principal().kind, desk().door.staff_second_factor),
        "totp_since": None if totp is None else totp.confirmed_at,
        "passkeys": [dict(row._mapping) for row in queries.passkeys_of(account_id)],
        "passkeys_available": desk().door.site is not None,
        "recovery_codes_left": queries.recovery_codes_left(account_id),
    }
    return answer, NOT_STORED


@FACTORS.put("/totp")
@requires(OWN_ACCOUNT)
@FACTORS.arguments(PasswordOnlySchema)
@FACTORS.response(200, TotpSecretSchema)
def put_totp(body: dict[str, Any]) -> Any:
    """设置动态口令: a fresh secret, in force when a first code has confirmed it."""
    account = require_password(body["password"])
    with db.transaction() as tx:
        secret = enrol_totp.begin_totp(tx, desk().vault, account.account_id)
    uri = enrolment_uri(secret, account.username)
    qr = segno.make(uri, error="m", micro=False).svg_data_uri(scale=4, border=4)
    return {"secret": secret.reveal(), "uri": uri, "qr": qr}, NOT_STORED


@FACTORS.post("/totp/confirmation")
@requires(OWN_ACCOUNT)
@FACTORS.arguments(TotpCodeSchema)
@FACTORS.response(204)
def post_totp_confirmation(body: dict[str, Any]) -> None:
    """确认动态口令 (Idempotency-Key required): from now on the account signs in with it."""
    made, account = desk(), own_row()
    attempt = make_attempt(made.vault, Sensitive(account.username), machine_now(), None, made.door.delays)

    def confirm() -> None:
        enrol_totp.confirm_totp(made.vault, account.account_id, body["code"], attempt)

    once(lambda _tx: {"confirmed": True}, before=confirm)


@FACTORS.post("/totp/removal")
@requires(OWN_ACCOUNT)
@FACTORS.arguments(PasswordOnlySchema)
@FACTORS.response(204)
def post_totp_removal(body: dict[str, Any]) -> None:
    """移除动态口令 (Idempotency-Key required)."""

    def remove(tx: Tx) -> dict[str, Any]:
        removal.remove_totp(tx, own_account(), desk().door.staff_second_factor)
        return {"removed": True}

    once(remove, before=lambda: require_password(body["password"]))


@FACTORS.post("/passkeys/options")
@requires(OWN_ACCOUNT)
@FACTORS.arguments(PasswordOnlySchema)
@FACTORS.response(200, PasskeyOptionsSchema)
def post_passkey_options(body: dict[str, Any]) -> Any:
    """登记通行密钥，第一步: options for the browser, with a challenge that is good once and for five minutes."""
    account = require_password(body["password"])
    return {"options": passkeys.begin_registration(ceremonies(), account.account_id)}, NOT_STORED


@FACTORS.post("/passkeys")
@requires(OWN_ACCOUNT)
@FACTORS.arguments(NewPasskeySchema)
@FACTORS.response(201, PasskeyIdSchema)
def post_passkey(body: dict[str, Any]) -> Any:
    """登记通行密钥，第二步 (Idempotency-Key required): what the browser made of the options."""

    def register(tx: Tx) -> dict[str, Any]:
        made = passkeys.finish_registration(tx, ceremonies(), own_account(), body["credential"], body["name"])
        return {"passkey_id": made}

    return once(register)


@FACTORS.put("/passkeys/<passkey_id>")
@requires(OWN_ACCOUNT)
@FACTORS.arguments(PasskeyNameSchema)
@FACTORS.response(204)
def put_passkey(body: dict[str, Any], passkey_id: str) -> None:
    """重命名通行密钥."""
    with db.transaction() as tx:
        passkeys.rename_passkey(tx, own_account(), passkey_id, body["name"])


@FACTORS.post("/passkeys/<passkey_id>/removal")
@requires(OWN_ACCOUNT)
@FACTORS.arguments(PasswordOnlySchema)
@FACTORS.response(204)
def post_passkey_removal(body: dict[str, Any], passkey_id: str) -> None:
    """移除通行密钥 (Idempotency-Key required)."""

    def remove(tx: Tx) -> dict[str, Any]:
        removal.remove_passkey(tx, own_account(), passkey_id, desk().door.staff_second_factor)
        return {"removed": True}

    once(remove, before=lambda: require_password(body["password"]))


@FACTORS.put("/recovery-codes")
@requires(OWN_ACCOUNT)
@FACTORS.arguments(PasswordOnlySchema)
@FACTORS.response(200, RecoveryCodesSchema)
def put_recovery_codes(body: dict[str, Any]) -> Any:
    """恢复码: ten new ones, shown once; they replace the old."""
    account = require_password(body["password"])
    with db.transaction() as tx:
        codes = make_recovery_codes(tx, desk().vault, account.account_id, machine_now())
    return {"codes": codes}, NOT_STORED
