"""What an applicant may do to a case that runs or has ended: correct, withdraw, rate."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.citizen.applying import UploadError, upload_material
from portal.citizen.room import CITIZEN, case_of, for_citizens
from portal.session import api
from portal.words import departments, refusal

ASPECTS = ("speed", "attitude", "guidance", "materials", "website")


def _key() -> str:
    """The key that the page was made with: sent twice, it is one request."""
    return request.form.get("key") or str(uuid.uuid4())


@CITIZEN.get("/cases/<case_no>/correction")
@for_citizens
def correction(case_no: str) -> Any:
    """补正告知书: every defect, and a place for a new file beside it."""
    return _correction_page(case_no, {}, key=str(uuid.uuid4()))


@CITIZEN.post("/cases/<case_no>/correction")
@for_citizens
def correct(case_no: str) -> Any:
    """Hand in the corrected materials, all at once as the law's one notice asks for them."""
    case = api().get(path("cases", case_no))
    receipts, errors = [], {}
    for code in defects_of(case):
        try:
            receipts.append(upload_material(case["item_code"], code, request.files.get(code))["receipt"])
        except UploadError as error:
            errors[code] = str(error)
    if errors:
        return _correction_page(case_no, errors, key=_key()), 422
    try:
        api().post(path("cases", case_no, "corrections"), {"materials": receipts}, key=_key())
    except Problem as problem:
        if problem.status == 401 or problem.status >= 500:
            raise
        return _correction_page(case_no, {"all": refusal(problem)}, key=_key()), problem.status
    return redirect(url_for("citizen.case", case_no=case_no), 303)


def _correction_page(case_no: str, errors: Mapping[str, str], *, key: str) -> str:
    case, item = case_of(case_no)
    rules = {rule["code"]: rule for rule in item["materials"]}
    return render_template(
        "citizen/correction.html", case=case, item=item, rules=rules, defects=defects_of(case),
        departments=departments(), errors=errors, key=key,
    )  # fmt: skip


def defects_of(case: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Material code -> department and problem, of what is asked for now: the latest round of each step counts."""
    latest: dict[str, Any] = {}
    for task in case["tasks"]:
        if task["step"] not in latest or task["round"] > latest[task["step"]]["round"]:
            latest[task["step"]] = task
    found: dict[str, list[tuple[str, str]]] = {}
    for task in latest.values():
        for defect in (task["defects"] or []) if task["verdict"] == "correction_needed" else []:
            found.setdefault(defect["material_code"], []).append((task["department"], defect["problem"]))
    return found


@CITIZEN.get("/cases/<case_no>/supplement")
@for_citizens
def supplement(case_no: str) -> Any:
    """容缺补齐: what was promised to follow, each with its last day and a place for the file."""
    return _supplement_page(case_no, {}, key=str(uuid.uuid4()))


@CITIZEN.post("/cases/<case_no>/supplement")
@for_citizens
def hand_in_promised(case_no: str) -> Any:
    """Hand in what there is: all of it or some, the rest may follow."""
    case = api().get(path("cases", case_no))
    receipts, errors = [], {}
    for promise in owed_by(case):
        code = promise["material_code"]
        file = request.files.get(code)
        if file is None or not file.filename:
            continue
        try:
            receipts.append(upload_material(case["item_code"], code, file)["receipt"])
        except UploadError as error:
            errors[code] = str(error)
    if not receipts and not errors:
        errors["all"] = _("请至少选择一个文件")
    if errors:
        return _supplement_page(case_no, errors, key=_key()), 422
    try:
        api().post(path("cases", case_no, "supplements"), {"materials": receipts}, key=_key())
    except Problem as problem:
        if problem.status in (401, 404) or problem.status >= 500:
            raise
        return _supplement_page(case_no, {"all": refusal(problem)}, key=_key()), problem.status
    return redirect(url_for("citizen.case", case_no=case_no), 303)


def _supplement_page(case_no: str, errors: Mapping[str, str], *, key: str) -> str:
    case, item = case_of(case_no)
    rules = {rule["code"]: rule for rule in item["materials"]}
    return render_template(
        "citizen/supplement.html", case=case, item=item, rules=rules, owed=owed_by(case), errors=errors, key=key
    )


def owed_by(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What was promised to follow and can still be handed in."""
    may = {action["subject"] for action in case["next_actions"] if action["action"] == "hand_in_promised"}
    return [promise for promise in case["promises"] if promise["material_code"] in may and promise["kept_on"] is None]


@CITIZEN.get("/cases/<case_no>/withdrawal")
@for_citizens
def withdrawal(case_no: str) -> Any:
    """撤回: what it means, before it is done."""
    return render_template("citizen/withdrawal.html", case=case_of(case_no)[0], errors={}, key=str(uuid.uuid4()))


@CITIZEN.post("/cases/<case_no>/withdrawal")
@for_citizens
def withdraw(case_no: str) -> Any:
    """Take the application back."""
    reason = request.form.get("reason", "").strip()
    errors = {} if reason else {"reason": _("请填写撤回原因")}
    if not errors:
        try:
            api().post(path("cases", case_no, "withdrawal"), {"reason": reason}, key=_key())
        except Problem as problem:
            if problem.status in (401, 404) or problem.status >= 500:
                raise
            errors = {"reason": refusal(problem)}
    if errors:
        case, _item = case_of(case_no)
        page = render_template("citizen/withdrawal.html", case=case, errors=errors, reason=reason, key=_key())
        return page, 422
    return redirect(url_for("citizen.case", case_no=case_no), 303)


@CITIZEN.get("/cases/<case_no>/rating")
@for_citizens
def rating(case_no: str) -> Any:
    """好差评."""
    return _rating_page(case_no, {}, key=str(uuid.uuid4()))


@CITIZEN.post("/cases/<case_no>/rating")
@for_citizens
def rate(case_no: str) -> Any:
    """Give one of the five levels."""
    level = request.form.get("level", "")
    if level not in ("1", "2", "3", "4", "5"):
        return _rating_page(case_no, {"level": _("请选择满意程度")}, key=_key()), 422
    given = {
        "case_no": case_no,
        "level": int(level),
        "comment": request.form.get("comment", "").strip(),
        "aspects": [aspect for aspect in ASPECTS if aspect in request.form.getlist("aspects")],
    }
    try:
        api().post(path("ratings"), given, key=_key())
    except Problem as problem:
        if problem.status in (401, 404) or problem.status >= 500:
            raise
        return _rating_page(case_no, {"level": refusal(problem)}, key=_key()), problem.status
    return redirect(url_for("citizen.case", case_no=case_no), 303)


def _rating_page(case_no: str, errors: Mapping[str, str], *, key: str) -> str:
    case, _item = case_of(case_no)
    return render_template("citizen/rating.html", case=case, errors=errors, key=key, given=request.form)
