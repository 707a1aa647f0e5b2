"""一个账号: role and department, suspended, resumed, closed, a post, and whoever has lost everything begins anew."""

from __future__ import annotations

from typing import Any

from flask import redirect, session, url_for
from flask_babel import gettext as _

from portal.administration.room import (
    ADMINISTRATION,
    SECURITY,
    errors_of,
    for_administrators,
    given,
    given_key,
    missing,
    page,
)
from portal.api import Problem, path
from portal.session import api, visitor
from portal.staff import department_names

DONE = "administration_done"
MOVES = ("suspension", "resumption", "closure")


@ADMINISTRATION.get("/accounts/<account_id>")
@for_administrators
def account(account_id: str) -> Any:
    """账号."""
    return _page(account_id, {})


@ADMINISTRATION.post("/accounts/<account_id>/role")
@for_administrators
def change_role(account_id: str) -> Any:
    """变更角色或部门."""
    if errors := missing("kind", "role_reason"):
        return _page(account_id, errors)
    kind = given("kind")
    body = {"kind": kind, "reason": given("role_reason")}
    if kind == "officer":
        body["department"] = given("department")
        if errors := missing("department"):
            return _page(account_id, errors)
    return _try(account_id, "role", body, "kind", _("角色和部门已变更，账号的登录已全部结束"))


@ADMINISTRATION.post("/accounts/<account_id>/<any(suspension, resumption, closure):move>")
@for_administrators
def move(account_id: str, move: str) -> Any:
    """停用、恢复、注销."""
    reason = f"{move}_reason"
    said = {
        "suspension": _("账号已停用，登录已全部结束"),
        "resumption": _("账号已恢复"),
        "closure": _("账号已注销，登录已全部结束"),
    }[move]
    if move == "resumption":
        return _try(account_id, move, {}, reason, said)
    if errors := missing(reason):
        return _page(account_id, errors)
    return _try(account_id, move, {"reason": given(reason)}, reason, said)


@ADMINISTRATION.post("/accounts/<account_id>/post")
@for_administrators
def give_post(account_id: str) -> Any:
    """任职."""
    errors = missing("code", "name", "post_department", "from_on")
    if errors:
        return _page(account_id, errors)
    body = {"code": given("code"), "name": given("name"), "department": given("post_department")}
    days = {"from_on": given("from_on"), "until_on": given("until_on") or None}
    return _try(account_id, "posts", body | days, "code", _("岗位已记入"))


@ADMINISTRATION.post("/accounts/<account_id>/reset")
@for_administrators
def reset(account_id: str) -> Any:
    """重置密码和第二因素."""
    if errors := missing("password"):
        return _page(account_id, errors)
    said = _("已重置。请当面或以其他可靠方式告知密码，首次登录须修改")
    return _try(account_id, "reset", {"password": given("password")}, "password", said)


def _try(account_id: str, what: str, body: dict[str, Any], field: str, said: str) -> Any:
    try:
        api().post(path("accounts", account_id, what), body, key=given_key())
    except Problem as problem:
        return _page(account_id, errors_of(problem, field))
    session[DONE] = said
    return redirect(url_for("administration.account", account_id=account_id), 303)


def _page(account_id: str, errors: dict[str, str]) -> Any:
    shown = api().get(path("accounts", account_id))
    return page(
        "account",
        errors,
        account=shown,
        done=session.pop(DONE, ""),
        departments=department_names(),
        own=session.get("who") == account_id,
        may_reset=visitor().kind == SECURITY,
    )
