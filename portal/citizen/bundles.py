"""联办件: everything that was applied for at once on one page; one correction and one withdrawal for all of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from portal import live
from portal.api import Problem, path
from portal.citizen.applying import UploadError, upload_material
from portal.citizen.room import CITIZEN, for_citizens, name_items
from portal.session import PERSON, api
from portal.shared import guide_of
from portal.words import departments, refusal, spoken

LOOK_EVERY_S = 10


@CITIZEN.get("/bundles/<bundle_no>")
@for_citizens
def bundle(bundle_no: str) -> Any:
    """Each item's state and clock side by side."""
    found = _bundle(bundle_no)
    return render_template("citizen/bundle.html", bundle=found, part=_part(found), new=bool(request.args.get("new")))


@CITIZEN.get("/bundles/<bundle_no>/now")
def bundle_now(bundle_no: str) -> Any:
    """What changes, for the page that renews it."""
    return live.ended(PERSON) or live.renewed(_part(_bundle(bundle_no)))


def _part(found: Mapping[str, Any]) -> Markup:
    return live.part(
        "citizen/_bundle.html",
        url_for("citizen.bundle_now", bundle_no=found["bundle_no"]),
        {},
        every_s=LOOK_EVERY_S,
        bundle=found,
        departments=departments(),
        may_withdraw=any(action["action"] == "withdraw" for case in found["cases"] for action in case["next_actions"]),
    )


def _bundle(bundle_no: str) -> dict[str, Any]:
    found: dict[str, Any] = api().get(path("bundles", bundle_no))
    name_items(found["cases"])
    for one in found["left_out"]:
        one["why"] = [spoken(reason) for reason in one["reasons"].values()]
    return found


@CITIZEN.get("/bundles/<bundle_no>/correction")
@for_citizens
def bundle_correction(bundle_no: str) -> Any:
    """补正告知书 of all cases: each material once, with what every department says of it."""
    return _correction_page(bundle_no, {}, key=str(uuid.uuid4()))


@CITIZEN.post("/bundles/<bundle_no>/correction")
@for_citizens
def correct_bundle(bundle_no: str) -> Any:
    """Hand in what there is: a case goes on as soon as all that it asked for is there."""
    receipts, errors = [], dict[str, str]()
    for code, asked in _asked(_bundle(bundle_no)).items():
        file = request.files.get(code)
        if file is None or not file.filename:
            continue
        try:
            receipts.append(upload_material(asked["item_code"], asked["item_material_code"], file)["receipt"])
        except UploadError as error:
            errors[code] = str(error)
    if not receipts and not errors:
        errors["all"] = _("请至少选择一个文件")
    key = request.form.get("key") or str(uuid.uuid4())
    if errors:
        return _correction_page(bundle_no, errors, key=key), 422
    try:
        api().post(path("bundles", bundle_no, "corrections"), {"materials": receipts}, key=key)
    except Problem as problem:
        if problem.status in (401, 404) or problem.status >= 500:
            raise
        return _correction_page(bundle_no, {"all": refusal(problem)}, key=str(uuid.uuid4())), problem.status
    return redirect(url_for("citizen.bundle", bundle_no=bundle_no), 303)


def _asked(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Package's code -> what is asked for: ``said`` by which departments, ``rule`` of the item for which it is uploaded."""
    cases = {case["case_no"]: case for case in found["cases"]}
    asked: dict[str, dict[str, Any]] = {}
    for notice in found["notices"]:
        case = cases[notice["case_no"]]
        one = asked.setdefault(notice["material_code"], {**notice, "said": [], "rule": _rule(case, notice)})
        one["said"].append((notice["department"], notice["problem"], case))
    return asked


def _rule(case: Mapping[str, Any], notice: Mapping[str, Any]) -> Mapping[str, Any]:
    rules = guide_of(case["item_code"], case["item_version"])["materials"]
    return next(rule for rule in rules if rule["code"] == notice["item_material_code"])


def _correction_page(bundle_no: str, errors: Mapping[str, str], *, key: str) -> str:
    found = _bundle(bundle_no)
    return render_template(
        "citizen/bundle_correction.html",
        bundle=found,
        asked=_asked(found),
        departments=departments(),
        errors=errors,
        key=key,
    )


@CITIZEN.get("/bundles/<bundle_no>/withdrawal")
@for_citizens
def bundle_withdrawal(bundle_no: str) -> Any:
    """撤回: what it means, before it is done."""
    return _withdrawal_page(bundle_no, {})


@CITIZEN.post("/bundles/<bundle_no>/withdrawal")
@for_citizens
def withdraw_bundle(bundle_no: str) -> Any:
    """Take back everything that is not decided."""
    reason = request.form.get("reason", "").strip()
    if not reason:
        return _withdrawal_page(bundle_no, {"reason": _("请填写撤回原因")}), 422
    try:
        key = request.form.get("key") or str(uuid.uuid4())
        api().post(path("bundles", bundle_no, "withdrawal"), {"reason": reason}, key=key)
    except Problem as problem:
        if problem.status in (401, 404) or problem.status >= 500:
            raise
        return _withdrawal_page(bundle_no, {"reason": refusal(problem)}), problem.status
    return redirect(url_for("citizen.bundle", bundle_no=bundle_no), 303)


def _withdrawal_page(bundle_no: str, errors: Mapping[str, str]) -> str:
    return render_template(
        "citizen/bundle_withdrawal.html",
        bundle=_bundle(bundle_no),
        errors=errors,
        reason=request.form.get("reason", ""),
        key=str(uuid.uuid4()),
    )
