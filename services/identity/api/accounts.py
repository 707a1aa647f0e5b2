"""账号管理: administrators list accounts, change role and department of staff, suspend, resume and close."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint
from marshmallow.validate import Length, OneOf, Range, Regexp

from chassis.auth import principal, requires
from chassis.db import Tx
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.own_account import once
from services.identity.api.people_schemas import PostSchema
from services.identity.domain.directory import DEPARTMENT_CODE
from services.identity.domain.scopes import ACCOUNT_KINDS, STAFF
from services.identity.domain.staffing import REASONS, STATES, AccountState
from services.identity.use_cases.change_account import CHANGE, change_role, move_account
from services.identity.use_cases.show_accounts import READ, list_accounts, show_account

ACCOUNTS = Blueprint("accounts", __name__, url_prefix="/api/v1/accounts", description="账号管理 / accounts")
USERNAME_PART = r"^[a-z0-9._@-]{1,64}$(?!\n)"


class AccountQuerySchema(ma.Schema):
    """``username`` is how usernames begin; ``after`` the ``next`` of the page before."""

    kind = ma.fields.String(load_default=None, validate=OneOf(ACCOUNT_KINDS))
    state = ma.fields.String(load_default=None, validate=OneOf(STATES))
    department = ma.fields.String(load_default=None, validate=Regexp(DEPARTMENT_CODE))
    username = ma.fields.String(load_default=None, validate=Regexp(USERNAME_PART))
    after = ma.fields.String(load_default=None, validate=Regexp(USERNAME_PART))
    limit = ma.fields.Integer(load_default=50, validate=Range(1, 200))


class AccountShownSchema(ma.Schema):
    """An account as its administrators see it. Names of persons are masked; ``level`` is 实名等级."""

    account_id = ma.fields.String(required=True)
    username = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    department = ma.fields.String(required=True, allow_none=True)
    state = ma.fields.String(required=True, validate=OneOf(STATES))
    level = ma.fields.Integer(required=True)
    opened_at = ma.fields.AwareDateTime(required=True)
    password_set_at = ma.fields.AwareDateTime(required=True)
    password_temporary = ma.fields.Boolean(required=True)
    last_seen_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class AccountPageSchema(ma.Schema):
    """By username; ``next`` is null on the last page."""

    accounts = ma.fields.List(ma.fields.Nested(AccountShownSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class AccountDetailSchema(AccountShownSchema):
    """With posts, and which kinds of second factors there are."""

    posts = ma.fields.List(ma.fields.Nested(PostSchema), required=True)
    factors = ma.fields.List(ma.fields.String(), required=True)


class RoleSchema(ma.Schema):
    """The role, and for officers the department, that shall be; why."""

    kind = ma.fields.String(required=True, validate=OneOf(sorted(STAFF)))
    department = ma.fields.String(load_default=None, allow_none=True, validate=Regexp(DEPARTMENT_CODE))
    reason = ma.fields.String(required=True, validate=OneOf(REASONS))


class AccountMoveSchema(ma.Schema):
    """Why. A code, since the record is kept for ever and must name nobody."""

    reason = ma.fields.String(required=True, validate=[OneOf(REASONS), Length(max=32)])


class AccountChangedSchema(ma.Schema):
    """The account."""

    account_id = ma.fields.String(required=True)


@ACCOUNTS.get("")
@requires(READ)
@ACCOUNTS.arguments(AccountQuerySchema, location="query")
@ACCOUNTS.response(200, AccountPageSchema)
def get_accounts(query: dict[str, Any]) -> dict[str, Any]:
    """账号清单: of staff for security administrators, of persons for system administrators."""
    return list_accounts(principal(), query, after=query["after"], limit=query["limit"])


@ACCOUNTS.get("/<account_id>")
@requires(READ)
@ACCOUNTS.response(200, AccountDetailSchema)
def get_account(account_id: str) -> dict[str, Any]:
    """一个账号, with posts and kinds of second factors."""
    return show_account(principal(), account_id)


@ACCOUNTS.post("/<account_id>/role")
@requires(CHANGE)
@ACCOUNTS.arguments(RoleSchema)
@ACCOUNTS.response(200, AccountChangedSchema)
def post_role(body: dict[str, Any], account_id: str) -> Any:
    """变更角色或部门 (Idempotency-Key required): posts elsewhere and every session end."""

    def change(tx: Tx) -> dict[str, Any]:
        change_role(tx, account_id, principal(), now=machine_now(), **body)
        return {"account_id": account_id}

    return once(change)


@ACCOUNTS.post("/<account_id>/suspension")
@requires(CHANGE)
@ACCOUNTS.arguments(AccountMoveSchema)
@ACCOUNTS.response(200, AccountChangedSchema)
def post_suspension(body: dict[str, Any], account_id: str) -> Any:
    """停用账号 (Idempotency-Key required): nobody signs in to it, and every session ends."""
    return _move(account_id, "suspended", body["reason"])


@ACCOUNTS.post("/<account_id>/resumption")
@requires(CHANGE)
@ACCOUNTS.response(200, AccountChangedSchema)
def post_resumption(account_id: str) -> Any:
    """恢复账号 (Idempotency-Key required)."""
    return _move(account_id, "active", None)


@ACCOUNTS.post("/<account_id>/closure")
@requires(CHANGE)
@ACCOUNTS.arguments(AccountMoveSchema)
@ACCOUNTS.response(200, AccountChangedSchema)
def post_closure(body: dict[str, Any], account_id: str) -> Any:
    """注销账号, for good (Idempotency-Key required): its posts and sessions end, its name stays taken."""
    return _move(account_id, "closed", body["reason"])


def _move(account_id: str, to: AccountState, reason: Any) -> Any:
    def move(tx: Tx) -> dict[str, Any]:
        move_account(tx, account_id, principal(), to=to, reason=reason, now=machine_now())
        return {"account_id": account_id}

    return once(move)
