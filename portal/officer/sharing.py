"""政务信息资源目录: what other departments hold, apply for it, answer within ten working days, end a grant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.language import either
from portal.officer.room import DESK, for_officers, fresh_key, given, given_key
from portal.public.room import catalogue
from portal.session import api, visitor
from portal.staff import department_names
from portal.words import Word, refusal

DONE = "sharing_done"
LONGEST_WORDS = 100
TYPES = {
    "1": Word("无条件共享", "Shared without conditions", "good"),
    "2": Word("有条件共享", "Shared on conditions", "calm"),
    "3": Word("不予共享", "Not shared", "bad"),
}
STATES = {
    "open": Word("等待答复", "Waiting for an answer", "warn"),
    "granted": Word("已同意", "Granted", "good"),
    "refused": Word("不同意", "Refused", "bad"),
    "withdrawn": Word("已撤回", "Withdrawn"),
    "ended": Word("已终止", "Ended"),
}
WAYS = {
    "database": Word("数据库", "Database"),
    "file": Word("文件", "Files"),
    "service": Word("服务接口", "Service"),
}
CYCLES = {
    "real_time": Word("实时", "In real time"),
    "daily": Word("每日", "Daily"),
    "weekly": Word("每周", "Weekly"),
    "monthly": Word("每月", "Monthly"),
    "quarterly": Word("每季度", "Quarterly"),
    "yearly": Word("每年", "Yearly"),
    "irregular": Word("不定期", "Irregularly"),
}


@DESK.get("/sharing")
@for_officers
def sharing() -> Any:
    """What waits for the department's answer, what it has applied for, and the catalogue."""
    wanted = {"q": request.args.get("q", "")[:LONGEST_WORDS].strip(), "type": request.args.get("type", "")}
    asked_type = wanted["type"] if wanted["type"] in TYPES else ""
    page = api().get(path("shared-resources"), q=wanted["q"], sharing_type=asked_type, after=request.args.get("after"))
    involved = api().get(path("sharing-applications"), page_size=100)["applications"]
    own = visitor().department
    to_answer = [one for one in involved if one["provider"] == own and one["state"] == "open"]
    return render_template(
        "officer/sharing.html",
        wanted=wanted,
        page=page,
        to_answer=sorted(to_answer, key=lambda one: str(one["answer_due"])),
        applied=[one for one in involved if one["department"] == own],
        answered=[one for one in involved if one["provider"] == own and one["state"] != "open"],
        **_words(),
    )


def _words() -> dict[str, Any]:
    items = {one["item_code"]: either(one) for one in catalogue()}
    return {
        "types": TYPES, "states": STATES, "ways": WAYS, "cycles": CYCLES, "departments": department_names(), "items": items,
        "done": session.pop(DONE, ""),
    }  # fmt: skip


@DESK.get("/sharing/resources/<category>/<sequence>")
@for_officers
def shared_resource(category: str, sequence: str) -> Any:
    """信息资源: what it holds, on which conditions, and the form to apply for it."""
    return _resource_page(category, sequence, {})


@DESK.post("/sharing/resources/<category>/<sequence>")
@for_officers
def apply_for_resource(category: str, sequence: str) -> Any:
    """共享申请, for one item and the fields that it needs."""
    errors = {name: _("请填写此项") for name in ("item", "purpose") if not given(name)}
    fields = request.form.getlist("fields")
    if not fields:
        errors["fields"] = _("请至少选择一个信息项")
    if errors:
        return _resource_page(category, sequence, errors), 422
    body = {
        "resource_code": f"{category}/{sequence}",
        "item_code": given("item"),
        "purpose": given("purpose"),
        "fields": fields,
    }
    try:
        made = api().post(path("sharing-applications"), body, key=given_key())
    except Problem as problem:
        return _resource_page(category, sequence, {"item": _said(problem)}), problem.status
    granted = made["state"] == "granted"
    session[DONE] = _("已同意：无条件共享，无需答复") if granted else _("申请已送达，提供部门在十个工作日内答复")
    return redirect(url_for("desk.sharing_application", application_id=made["application_id"]), 303)


def _resource_page(category: str, sequence: str, errors: Mapping[str, str]) -> str:
    return render_template(
        "officer/shared_resource.html",
        resource=api().get(path("shared-resources", category, sequence)),
        errors=errors,
        given=request.form,
        chosen=request.form.getlist("fields"),
        key=fresh_key(),
        **_words(),
    )


@DESK.get("/sharing/applications/<uuid:application_id>")
@for_officers
def sharing_application(application_id: Any) -> Any:
    """共享申请: by whom, for what, until when it is to be answered, and what was used under the grant."""
    return _application_page(str(application_id), {})


@DESK.post("/sharing/applications/<uuid:application_id>/answer")
@for_officers
def answer_application(application_id: Any) -> Any:
    """答复: all or some of the fields, or none; fewer and none need a reason."""
    grant = given("grant")
    if grant not in ("yes", "no"):
        return _application_page(str(application_id), {"grant": _("请选择是否同意")}), 422
    fields = request.form.getlist("fields") if grant == "yes" else []
    if grant == "yes" and not fields:
        return _application_page(str(application_id), {"fields": _("请至少选择一个信息项")}), 422
    body = {"grant": grant == "yes", "fields": fields, "reason": given("reason")}
    return _do(str(application_id), "answer", body, "reason", _("答复已送达申请部门"))


@DESK.post("/sharing/applications/<uuid:application_id>/end")
@for_officers
def end_sharing(application_id: Any) -> Any:
    """撤回或终止."""
    if not given("end_reason"):
        return _application_page(str(application_id), {"end_reason": _("请填写此项")}), 422
    return _do(str(application_id), "end", {"reason": given("end_reason")}, "end_reason", _("已终止"))


def _do(application_id: str, what: str, body: Any, field: str, sentence: str) -> Any:
    try:
        api().post(path("sharing-applications", application_id, what), body, key=given_key())
    except Problem as problem:
        return _application_page(application_id, {field: _said(problem)}), problem.status
    session[DONE] = sentence
    return redirect(url_for("desk.sharing_application", application_id=application_id), 303)


def _application_page(application_id: str, errors: Mapping[str, str]) -> str:
    found = api().get(path("sharing-applications", application_id))
    resource = api().get(path("shared-resources", *found["resource_code"].split("/")))
    own = visitor().department
    return render_template(
        "officer/sharing_application.html",
        one=found,
        resource=resource,
        names={field["code"]: either(field) for field in resource["fields"]},
        may_answer=found["provider"] == own and found["state"] == "open",
        may_end=found["state"] == "granted" or (found["state"] == "open" and found["department"] == own),
        errors=errors,
        given=request.form,
        chosen=request.form.getlist("fields") if request.form else found["fields"],
        key=fresh_key(),
        **_words(),
    )


def _said(problem: Problem) -> str:
    """What the page says of a refusal. Raises the problem when the page cannot be shown."""
    if problem.status in (401, 403) or problem.status >= 500:
        raise problem
    return refusal(problem)
