"""开放资源, for developers: their apps, keys, quotas, use, and accounts to try signing in with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, requires
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.rights import clause, one_of
from contracts.rights import needs
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.desk import desk
from services.identity.api.developer_schemas import (
    AppIdSchema,
    AppListSchema,
    AppRegistrationSchema,
    AppSchema,
    DeveloperKeyIdSchema,
    GrantSchema,
    KeySchema,
    NewKeySchema,
    RotationSchema,
    TestAccountSchema,
)
from services.identity.api.own_account import NOT_STORED, once
from services.identity.domain.delegation import law_date
from services.identity.domain.developer_apps import Grant
from services.identity.models import db, developer_apps
from services.identity.use_cases import show_developers
from services.identity.use_cases.developer_apps import NewApp, apply_for_production, register_app
from services.identity.use_cases.developer_keys import create_key, revoke_key, rotate_key, whole_key
from services.identity.use_cases.sandbox_accounts import new_username, open_sandbox_account, password_of

DEVELOPERS = Blueprint(
    "developers", __name__, url_prefix="/api/v1/developer-apps", description="开放资源：应用与密钥 / apps and keys"
)
OWN = "developers:self"


def _own() -> sa.ColumnElement[bool]:
    return clause(needs(principal(), OWN), {"party": one_of(developer_apps.c.party_id)})


def _require_own(app_id: str) -> str:
    mine = sa.select(developer_apps.c.app_id).where(developer_apps.c.app_id == app_id, _own())
    with db.read() as connection:
        if connection.execute(mine).one_or_none() is None:
            raise Refusal("app_unknown", "没有这个应用 / there is no such app", app_id=app_id)
    return app_id


def _shown(made: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """With the key itself, which is stored nowhere."""
    return made | {"key": whole_key(desk().vault, made["environment"], made["key_id"])}, NOT_STORED


@DEVELOPERS.post("")
@requires(OWN)
@DEVELOPERS.arguments(AppRegistrationSchema)
@DEVELOPERS.response(201, KeySchema)
def post_app(body: dict[str, Any]) -> Any:
    """登记应用: with a key of the sandbox at once (Idempotency-Key required)."""
    new = NewApp(**body | {"redirect_uris": tuple(body["redirect_uris"])})
    caller, vault, now = principal(), desk().vault, machine_now()

    def register(tx: Tx) -> dict[str, Any]:
        app_id = register_app(tx, vault, caller.party, new, by=caller.subject)
        key_id = create_key(tx, vault, app_id, "sandbox", label="", now=now)
        return {"app_id": app_id, "key_id": key_id, "environment": "sandbox"}

    return _shown(once(register))


@DEVELOPERS.get("")
@requires(OWN)
@DEVELOPERS.response(200, AppListSchema)
def get_apps() -> dict[str, Any]:
    """我的应用."""
    return {"apps": show_developers.list_apps(_own())}


@DEVELOPERS.get("/<app_id>")
@requires(OWN)
@DEVELOPERS.response(200, AppSchema)
def get_app(app_id: str) -> dict[str, Any]:
    """应用详情: keys, quota and use."""
    return show_developers.show_app(desk().vault, app_id, _own(), machine_now(), law_date(clock.now()))


@DEVELOPERS.post("/<app_id>/application")
@requires(OWN)
@DEVELOPERS.arguments(GrantSchema)
@DEVELOPERS.response(200, AppIdSchema)
def post_application(body: dict[str, Any], app_id: str) -> Any:
    """申请正式使用: an administrator decides (Idempotency-Key required)."""
    _require_own(app_id)
    by = principal().subject

    def apply(tx: Tx) -> dict[str, Any]:
        apply_for_production(tx, app_id, Grant.of(body), by=by)
        return {"app_id": app_id}

    return once(apply)


@DEVELOPERS.post("/<app_id>/keys")
@requires(OWN)
@DEVELOPERS.arguments(NewKeySchema)
@DEVELOPERS.response(201, KeySchema)
def post_key(body: dict[str, Any], app_id: str) -> Any:
    """新建密钥: shown once (Idempotency-Key required)."""
    _require_own(app_id)
    vault, now = desk().vault, machine_now()

    def create(tx: Tx) -> dict[str, Any]:
        key_id = create_key(tx, vault, app_id, body["environment"], label=body["label"], now=now)
        return {"app_id": app_id, "key_id": key_id, "environment": body["environment"]}

    return _shown(once(create))


@DEVELOPERS.post("/<app_id>/keys/<key_id>/rotation")
@requires(OWN)
@DEVELOPERS.arguments(RotationSchema)
@DEVELOPERS.response(201, KeySchema)
def post_rotation(body: dict[str, Any], app_id: str, key_id: str) -> Any:
    """更换密钥: the new one is shown once, the old one works for ``overlap_hours`` more (Idempotency-Key required)."""
    _require_own(app_id)
    vault, now, overlap = desk().vault, machine_now(), timedelta(hours=body["overlap_hours"])

    def rotate(tx: Tx) -> dict[str, Any]:
        new, environment = rotate_key(tx, vault, app_id, key_id, overlap=overlap, now=now)
        return {"app_id": app_id, "key_id": new, "environment": environment}

    return _shown(once(rotate))


@DEVELOPERS.post("/<app_id>/keys/<key_id>/revocation")
@requires(OWN)
@DEVELOPERS.response(200, DeveloperKeyIdSchema)
def post_revocation(app_id: str, key_id: str) -> Any:
    """吊销密钥: within seconds no gateway takes it (Idempotency-Key required)."""
    _require_own(app_id)
    now = machine_now()

    def revoke(tx: Tx) -> dict[str, Any]:
        revoke_key(tx, app_id, key_id, now)
        return {"key_id": key_id}

    return once(revoke)


@DEVELOPERS.post("/<app_id>/test-accounts")
@requires(OWN)
@DEVELOPERS.response(201, TestAccountSchema)
def post_test_account(app_id: str) -> Any:
    """新建测试账号: signs in to the app's sandbox client and nowhere else; may do nothing (Idempotency-Key required)."""
    _require_own(app_id)
    made, username = desk(), new_username()
    hashed: list[str] = []

    def hash_it() -> None:
        hashed.append(made.passwords.hash(password_of(made.vault, username)))

    def open_it(tx: Tx) -> dict[str, Any]:
        return open_sandbox_account(tx, app_id, username, hashed[0], machine_now())

    account = once(open_it, before=hash_it)
    password = password_of(made.vault, account["username"]).reveal()
    return {"username": account["username"], "name": account["name"], "password": password}, NOT_STORED
