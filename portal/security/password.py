"""修改密码."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.security.room import SECURITY, done, errors_of, for_signed_in, given_key, missing, page
from portal.session import own_api, renew_soon


@SECURITY.get("/password")
@for_signed_in
def password() -> Any:
    """The form, with the rules beside it."""
    return _page()


@SECURITY.post("/password")
@for_signed_in
def change_password() -> Any:
    """修改密码."""
    old, new = request.form.get("password", ""), request.form.get("new", "")
    errors = missing("password", "new", "again")
    if not errors and new != request.form.get("again"):
        errors = {"again": _("两次输入的新密码不一致")}
    if errors:
        return _page(errors)
    try:
        own_api().post(path("account", "password"), {"old": old, "new": new}, key=given_key())
    except Problem as problem:
        return _page(_unfit(problem) if problem.code == "password_unfit" else errors_of(problem))
    renew_soon()
    return done(_("密码已修改，其他会话已结束"))


def _page(errors: dict[str, str] | None = None) -> Any:
    return page("password", errors, state=own_api().get(path("account", "password")))


def _unfit(problem: Problem) -> dict[str, str]:
    """Every reason, in words."""
    words = {
        "too_short": _("太短"),
        "too_long": _("太长"),
        "too_few_kinds": _("字符种类太少"),
        "contains_username": _("含有用户名"),
        "common": _("太常见，容易被猜到"),
        "used_before": _("最近用过"),
    }
    reasons = [words.get(reason, reason) for reason in problem.facts.get("problems", [])]
    return {"new": _("新密码不符合要求：%(reasons)s", reasons=_("、").join(reasons))}
