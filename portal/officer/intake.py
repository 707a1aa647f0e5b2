"""窗口收件: an officer takes an application in for the person who is there: the item, the person, the form, the materials.

Each page carries on what the page before found out; nothing is stored before the application is handed in but the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from portal import application
from portal.api import Problem, path
from portal.citizen.applying import UploadError, upload_material
from portal.forms import errors_of, fields_of, read_form
from portal.officer.room import DESK, for_officers, fresh_key, given, given_key
from portal.session import api, visitor
from portal.shared import guide_of
from portal.words import refusal

TAKEN_IN = "taken_in"
LONGEST_WORDS = 100


@DESK.get("/window")
@for_officers
def window() -> Any:
    """选择事项."""
    words = request.args.get("q", "")[:LONGEST_WORDS].strip()
    try:
        found = api().get(path("items", "search"), q=words, page_size=20)["items"]
    except Problem as problem:
        if problem.status != 422:
            raise
        found = []
    return render_template("officer/window.html", q=words, found=found, taken=session.pop(TAKEN_IN, None))


@DESK.get("/window/<item_code>")
@for_officers
def find_person(item_code: str) -> Any:
    """查找申请人: by name and number, as the card says."""
    item = guide_of(item_code)
    return render_template(
        "officer/window_person.html", item=item, closed=application.closed_because(item), errors={}, form={}
    )


@DESK.post("/window/<item_code>")
@for_officers
def take_in(item_code: str) -> Any:
    """找到申请人, then 填写和收件; ``stage`` says which form was sent."""
    item = guide_of(item_code)
    if application.closed_because(item):
        return redirect(url_for("desk.find_person", item_code=item_code), 303)
    return _hand_in(item) if request.form.get("stage") == "hand_in" else _found(item)


def _found(item: Mapping[str, Any]) -> Any:
    errors = {name: _("请填写此项") for name in ("person_name", "number") if not given(name)}
    if not errors:
        try:
            body = {"name": given("person_name"), "number": given("number")}
            party = api().call("POST", path("parties", "matches"), json=body).json()
        except Problem as problem:
            if problem.status not in (404, 422):
                raise
            errors = {"number": refusal(problem)}
    if errors:
        shown = render_template(
            "officer/window_person.html",
            item=item,
            closed="",
            errors=errors,
            form={"person_name": given("person_name")},
        )
        return shown, 422
    return _form_page(item, {"applicant_id": party["party_id"], "applicant_name": given("person_name")}, {}, {})


def _hand_in(item: Mapping[str, Any]) -> Any:
    who = {name: given(name) for name in ("applicant_id", "applicant_name")}
    form = read_form(item["form_schema"], request.form)
    errors = errors_of(item["form_schema"], form)
    choices, wrong = _choices(item)
    receipts, refused = _receipts(item, form, who["applicant_id"])
    errors |= wrong | refused
    errors |= {f"m-{code}": text for code, text in application.missing(item, form, choices, receipts).items()
               if f"m-{code}" not in errors}  # fmt: skip
    if not errors and given("identity_seen") != "true":
        errors["identity_seen"] = _("请核对申请人的身份证件")
    refusals = application.not_eligible(item, choices["eligibility"]) if not errors else []
    if errors or refusals:
        return _form_page(item, who, receipts, errors, refusals), 422
    body = application.body_of(item, form, choices, receipts) | who
    try:
        case = api().post(path("cases", "intake"), body, key=given_key())
    except Problem as problem:
        if problem.status in (401, 403) or problem.status >= 500:
            raise
        return _form_page(item, who, receipts, {"identity_seen": refusal(problem)}), problem.status
    session[TAKEN_IN] = {
        "case_no": case["case_no"],
        "accept_by": case["accept_by"],
        "applicant": who["applicant_name"],
        "officer": visitor().name,
    }
    return redirect(url_for("desk.window"), 303)


def _choices(item: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    answers, missing = application.eligibility_given(item, request.form)
    delivery, wrong = application.delivery_given(item, request.form)
    chosen = {
        "eligibility": answers,
        "later": request.form.getlist("later"),
        "commitment": given("commitment") == "true",
        "renews_licence": given("renews_licence"),
    }
    if item.get("renewal") and not chosen["renews_licence"]:
        wrong["renews_licence"] = _("请填写要延续的证照编号")
    return chosen | delivery, missing | wrong


def _receipts(
    item: Mapping[str, Any], form: Mapping[str, Any], applicant_id: str
) -> tuple[dict[str, str], dict[str, str]]:
    """What is there, by material: files that came now are stored, those of the page before are known by their receipts."""
    there, errors = dict[str, str](), dict[str, str]()
    for rule in application.asked_for(item, form):
        code = rule["code"]
        file = request.files.get(f"m-{code}")
        if file is not None and file.filename:
            try:
                stored = upload_material(item["item_code"], code, file, applicant_id=applicant_id)
            except UploadError as error:
                errors[f"m-{code}"] = str(error)
                continue
            there[code] = stored["receipt"]
        elif given(f"receipt-{code}"):
            there[code] = given(f"receipt-{code}")
    return there, errors


def _form_page(
    item: Mapping[str, Any],
    who: Mapping[str, str],
    receipts: Mapping[str, str],
    errors: Mapping[str, str],
    refused: list[str] | None = None,
) -> str:
    return render_template(
        "officer/window_form.html",
        item=item,
        who=who,
        fields=fields_of(item["form_schema"]),
        given=request.form,
        receipts=receipts,
        later=request.form.getlist("later"),
        errors=errors,
        refused=refused or [],
        key=given_key() if errors else fresh_key(),
    )
