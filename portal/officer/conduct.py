"""主办管理: what the lead department does with a case as a whole: stop its clock, extend it, give a task to others, hand the
result over, end it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.language import either
from portal.officer.room import DESK, for_officers, fresh_key, given, given_key, shown_tasks
from portal.session import api, visitor
from portal.shared import guide_of
from portal.staff import department_names, step_names
from portal.words import SHIPMENT_STATES, UNITS, Word, refusal

CONDUCTED = "conducted"
LONGEST_REASON = 1000
RANKS = {
    "agency_head": Word("本机关负责人", "Head of the agency"),
    "government_head": Word("本级人民政府负责人", "Head of the government"),
}
REPORTED = ("in_transit", "delivered", "returned")
STOPPABLE = ("under_examination",)
RUNNING = ("under_examination", "special_procedure")
UNDECIDED = ("received", "pre_review", "awaiting_correction", *RUNNING)


@DESK.get("/cases/<case_no>/conduct")
@for_officers
def conduct(case_no: str) -> Any:
    """What may be done now, each with its reason."""
    return _page(case_no)


@DESK.post("/cases/<case_no>/conduct/special-procedure")
@for_officers
def begin_procedure(case_no: str) -> Any:
    """特别程序: for how long and why; the applicant is told."""
    errors = _missing("procedure", "amount", "procedure_reason")
    amount = given("amount")
    if "amount" not in errors and not (amount.isascii() and amount.isdigit() and 1 <= int(amount[:6]) <= 366):
        errors["amount"] = _("请填写 1 至 366 的整数")
    if given("unit") not in UNITS:
        errors["amount"] = _("请选择单位")
    if errors:
        return _page(case_no, errors)
    limit = {"amount": int(amount), "unit": given("unit")}
    body = {"code": given("procedure"), "limit": limit, "reason": given("procedure_reason")}
    return _do(case_no, "special-procedures", body, "procedure", _("特别程序已开始，已告知申请人"))


@DESK.post("/cases/<case_no>/conduct/special-procedure/end")
@for_officers
def end_procedure(case_no: str) -> Any:
    """恢复计时."""
    if errors := _missing("end_reason"):
        return _page(case_no, errors)
    body = {"reason": given("end_reason")}
    return _do(case_no, "special-procedures", body, "end_reason", _("特别程序已结束，恢复计时"), "end")


@DESK.post("/cases/<case_no>/conduct/extension")
@for_officers
def extend(case_no: str) -> Any:
    """延期, once, with the approval that the law asks for."""
    errors = _missing("extension_reason", "approved_by", "rank")
    if errors:
        return _page(case_no, errors)
    body = {"reason": given("extension_reason"), "approved_by": given("approved_by"), "rank": given("rank")}
    return _do(case_no, "extension", body, "rank", _("期限已延长，已告知申请人"))


@DESK.post("/cases/<case_no>/conduct/handover")
@for_officers
def hand_over(case_no: str) -> Any:
    """送达: received by whom at the counter, or handed to a courier, the connected one if no number is given."""
    if given("way") == "pick_up":
        if errors := _missing("received_by"):
            return _page(case_no, errors)
        return _do(case_no, "handover", {"received_by": given("received_by")}, "received_by", _("送达已记录"))
    body = {name: given(name) or None for name in ("courier", "tracking_no")}
    return _do(case_no, "handover", body, "tracking_no", _("已交寄"))


@DESK.post("/cases/<case_no>/conduct/delivery")
@for_officers
def report_delivery(case_no: str) -> Any:
    """寄递进展 of a courier that is not connected."""
    state = given("shipment_state")
    needed = {"delivered": "signed_by", "returned": "return_reason"}.get(state)
    if state not in REPORTED or (needed and not given(needed)):
        return _page(case_no, {needed or "shipment_state": _("请填写此项")})
    body = {"state": state, "received_by": given("signed_by") or None, "reason": given("return_reason")}
    return _do(case_no, "delivery", body, "shipment_state", _("送达已记录"))


@DESK.post("/cases/<case_no>/conduct/termination")
@for_officers
def terminate(case_no: str) -> Any:
    """终止办理: the case has become without object."""
    if errors := _missing("termination_reason"):
        return _page(case_no, errors)
    if given("sure") != "true":
        return _page(case_no, {"sure": _("请确认终止办理")})
    return _do(case_no, "termination", {"reason": given("termination_reason")}, "termination_reason", _("办理已终止"))


@DESK.post("/cases/<case_no>/conduct/tasks/<task_id>")
@for_officers
def reassign(case_no: str, task_id: str) -> Any:
    """改派 to another department, or to one officer of one's own."""
    fields = {name: f"{name}-{task_id}" for name in ("to", "reassign_reason")}
    if errors := _missing(*fields.values()):
        return _page(case_no, errors)
    kind, _colon, whom = given(fields["to"]).partition(":")
    if kind not in ("department", "officer") or not whom:
        return _page(case_no, {fields["to"]: _("请选择部门或经办人")})
    body = {kind: whom, "reason": given(fields["reassign_reason"])}
    try:
        api().post(path("tasks", task_id, "reassignment"), body, key=given_key())
    except Problem as problem:
        return _refused(case_no, problem, fields["to"])
    return _done(case_no, _("任务已改派"))


def _do(case_no: str, what: str, body: Mapping[str, Any], field: str, sentence: str, *more: str) -> Any:
    try:
        api().post(path("cases", case_no, what, *more), body, key=given_key())
    except Problem as problem:
        return _refused(case_no, problem, field)
    return _done(case_no, sentence)


def _refused(case_no: str, problem: Problem, field: str) -> Any:
    """The refusal beside its field; the page shows the case as it stands now."""
    if problem.status in (401, 403, 404) or problem.status >= 500:
        raise problem
    return _page(case_no, {field: refusal(problem)}, problem.status)


def _done(case_no: str, sentence: str) -> Any:
    session[CONDUCTED] = sentence
    return redirect(url_for("desk.conduct", case_no=case_no), 303)


def _missing(*names: str) -> dict[str, str]:
    found = {name: _("请填写此项") for name in names if not given(name)}
    long = {name: _("最多 %(count)s 个字", count=LONGEST_REASON) for name in names if len(given(name)) > LONGEST_REASON}
    return found | long


def _page(case_no: str, errors: Mapping[str, str] | None = None, status: int = 422) -> Any:
    case = api().get(path("cases", case_no))
    guide = guide_of(case["item_code"], case["item_version"])
    if guide["lead_department"] != visitor().department:
        raise Problem(404, "not_found", "", {})
    shown = render_template(
        "officer/conduct.html",
        case=case,
        guide=guide,
        waiting=shown_tasks(case),
        stopped=next((stop for stop in case["special_procedures"] if not stop["ended"]), None),
        may=_may(case, guide),
        steps=step_names(guide),
        departments=department_names(),
        officers=[(one["account_id"], one["name"]) for one in api().get(path("colleagues"))["officers"]],
        procedures=[(one["code"], either(one)) for one in guide.get("special_procedures") or ()],
        ranks=RANKS,
        reported=[(code, SHIPMENT_STATES[code]) for code in REPORTED],
        errors=errors or {},
        given=request.form,
        key=fresh_key(),
        done=session.pop(CONDUCTED, ""),
    )
    return (shown, status) if errors else shown


def _may(case: Mapping[str, Any], guide: Mapping[str, Any]) -> dict[str, bool]:
    """What makes sense as the case stands; the API decides whether it is lawful."""
    state, shipments = case["state"], case["shipments"]
    deliverable = state == "approved" and case["delivery_way"] != "electronic" and case["delivered_at"] is None
    on_its_way = bool(shipments) and shipments[-1]["state"] not in ("delivered", "returned")
    return {
        "begin": state in STOPPABLE and bool(guide.get("special_procedures")),
        "end": state == "special_procedure",
        "extend": state in RUNNING and case["extension"] is None,
        "hand_over": deliverable and not on_its_way,
        "report": deliverable and on_its_way,
        "terminate": state in UNDECIDED,
        "reassign": state in UNDECIDED or state in ("approved", "delivered"),
    }
