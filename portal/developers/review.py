"""应用审核: an administrator lets apps into production, with data and a quota, refuses or stops them."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.developers.room import DEVELOPERS, STATES, error_of, given_grant, given_key, missing, page
from portal.session import for_kind, own_api

ADMINISTRATOR = "system_admin"
for_administrators = for_kind(ADMINISTRATOR)


@DEVELOPERS.get("/review")
@for_administrators
def review() -> Any:
    """全部应用, or those in one state."""
    state = request.args.get("state", "")
    wanted = {"state": state} if state in STATES else {}
    return page("review", apps=own_api().get(path("developer-reviews"), **wanted)["apps"], state=state)


@DEVELOPERS.get("/review/<app_id>")
@for_administrators
def reviewed_app(app_id: str) -> Any:
    """One app, with what can be decided about it."""
    return _page(app_id)


@DEVELOPERS.post("/review/<app_id>/approval")
@for_administrators
def approve(app_id: str) -> Any:
    """准予, or another quota."""
    grant, errors = given_grant()
    return _page(app_id, errors) if errors else _decided(app_id, "approval", grant, "datasets")


@DEVELOPERS.post("/review/<app_id>/refusal")
@for_administrators
def refuse(app_id: str) -> Any:
    """不予."""
    return _with_reason(app_id, "refusal")


@DEVELOPERS.post("/review/<app_id>/suspension")
@for_administrators
def suspend(app_id: str) -> Any:
    """停用."""
    return _with_reason(app_id, "suspension")


@DEVELOPERS.post("/review/<app_id>/resumption")
@for_administrators
def resume(app_id: str) -> Any:
    """恢复."""
    return _decided(app_id, "resumption", None, "reason")


def _with_reason(app_id: str, what: str) -> Any:
    errors = missing("reason")
    reason = request.form.get("reason", "").strip()
    if not errors and len(reason) < 2:
        errors["reason"] = _("请填写理由")
    return _page(app_id, errors) if errors else _decided(app_id, what, {"reason": reason}, "reason")


def _decided(app_id: str, what: str, body: Any, field: str) -> Any:
    try:
        own_api().post(path("developer-reviews", app_id, what), body, key=given_key())
    except Problem as problem:
        return _page(app_id, error_of(problem, field))
    return redirect(url_for("developers.reviewed_app", app_id=app_id), 303)


def _page(app_id: str, errors: dict[str, str] | None = None) -> Any:
    return page("reviewed_app", errors, app=own_api().get(path("developer-reviews", app_id)))
