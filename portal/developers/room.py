"""The room's blueprint, its words, and what its pages share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal.api import Problem
from portal.words import Word, refusal

DEVELOPERS = Blueprint("developers", __name__, url_prefix="/developers")
STATES = {
    "sandbox": Word("沙箱", "Sandbox", "calm"),
    "applied": Word("待审核", "Waiting for approval", "warn"),
    "approved": Word("正式使用", "In production", "good"),
    "refused": Word("未获准", "Not approved", "bad"),
    "suspended": Word("已停用", "Suspended", "bad"),
}
KEY_STATES = {
    "active": Word("有效", "Works", "good"),
    "ending": Word("已更换，即将失效", "Replaced, ends soon", "warn"),
    "expired": Word("已过期", "Expired", "quiet"),
    "revoked": Word("已吊销", "Revoked", "quiet"),
}
ENVIRONMENTS = {"sandbox": Word("沙箱", "Sandbox"), "production": Word("正式", "Production")}
DATASETS = {
    "items": Word("事项目录与部门", "Service items and departments"),
    "licences": Word("证照核验", "Licence verification"),
    "figures": Word("公开数据", "Public figures"),
    "open-data": Word("匿名办件数据集", "Anonymised case data"),
    "ledger": Word("台账核验", "Ledger proofs"),
}
DEVELOPERS.context_processor(
    lambda: {
        "APP_STATES": STATES,
        "KEY_STATES": KEY_STATES,
        "ENVIRONMENTS": ENVIRONMENTS,
        "DATASETS": DATASETS,
        "key": str(uuid4()),
    }
)


def page(template: str, errors: Mapping[str, str] | None = None, /, **values: Any) -> Any:
    """A page of the room; with errors it answers 422."""
    shown = render_template(f"developers/{template}.html", errors=errors or {}, **values)
    return (shown, 422) if errors else shown


def given_key() -> str:
    """The Idempotency-Key of the form that was sent."""
    return request.form.get("key") or str(uuid4())


def missing(*names: str) -> dict[str, str]:
    """Errors of the fields of the sent form that were left empty."""
    return {name: _("请填写此项") for name in names if not request.form.get(name, "").strip()}


def error_of(problem: Problem, field: str) -> dict[str, str]:
    """The refusal as the error of the field that it names, or of ``field``. Raises it again when the form is not at fault."""
    if problem.status not in (409, 422):
        raise problem
    return {str(problem.facts.get("field") or field): refusal(problem)}


def given_grant() -> tuple[dict[str, Any], dict[str, str]]:
    """Datasets, scopes and quota of the sent form, and what is wrong with them."""
    errors: dict[str, str] = {}
    grant: dict[str, Any] = {
        "datasets": [code for code in request.form.getlist("datasets") if code in DATASETS],
        "scope": request.form.get("scope", "").split(),
    }
    if not grant["datasets"]:
        errors["datasets"] = _("请至少选择一个数据集")
    for name in ("per_minute", "per_day"):
        text = request.form.get(name, "").strip()
        if text.isascii() and text.isdigit() and 0 < len(text) < 10:
            grant[name] = int(text)
        else:
            errors[name] = _("请填写正整数")
    return grant, errors


def to_app(app_id: str) -> Any:
    """Back to the app's page."""
    return redirect(url_for("developers.app", app_id=app_id), 303)
