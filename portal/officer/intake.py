"""窗口收件: an officer takes an application in for who is there: the item or package, the person, the form, the papers.

Each page carries on what the page before found out; nothing is stored before the application is handed in but the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from portal import application, package
from portal.api import Problem, path
from portal.citizen.applying import UploadError, said_of, upload_material
from portal.forms import errors_of, fields_of, read_form
from portal.language import either
from portal.officer.room import DESK, for_officers, fresh_key, given, given_key
from portal.public.room import find_packages
from portal.session import api, visitor
from portal.shared import guide_of
from portal.words import refusal

TAKEN_IN = "taken_in"
LONGEST_WORDS = 100


@DESK.get("/window")
@for_officers
def window() -> Any:
    """选择事项或者一件事."""
    words = request.args.get("q", "")[:LONGEST_WORDS].strip()
    try:
        found = api().get(path("items", "search"), q=words, page_size=20)["items"]
    except Problem as problem:
        if problem.status != 422:
            raise
        found = []
    return render_template(
        "officer/window.html", q=words, found=found, packages=find_packages(words), taken=session.pop(TAKEN_IN, None)
    )


@DESK.get("/window/<item_code>")
@for_officers
def find_person(item_code: str) -> Any:
    """查找申请人: by name and number, as the card says."""
    return _person_page(guide_of(item_code), {})


@DESK.get("/window/packages/<code>")
@for_officers
def find_person_for_package(code: str) -> Any:
    """The same for a package."""
    return _person_page(package.as_one(package.package_of(code), {}, {}), {})


@DESK.post("/window/<item_code>")
@for_officers
def take_in(item_code: str) -> Any:
    """找到申请人, then 填写和收件; ``stage`` says which form was sent."""
    return _take_in(guide_of(item_code))


@DESK.post("/window/packages/<code>")
@for_officers
def take_package_in(code: str) -> Any:
    """The same for a package."""
    return _take_in(package.as_one(package.package_of(code), {}, {}))


def _take_in(item: Mapping[str, Any]) -> Any:
    if application.closed_because(item):
        return redirect(request.path, 303)
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
        return _person_page(item, errors), 422
    return _form_page(item, {"applicant_id": party["party_id"], "applicant_name": given("person_name")}, {}, {})


def _person_page(item: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    return render_template(
        "officer/window_person.html",
        item=item,
        guide=_guide(item),
        closed=application.closed_because(item),
        errors=errors,
        form={"person_name": given("person_name")},
    )


def _guide(item: Mapping[str, Any]) -> str:
    if "parts" in item:
        return url_for("public.package", code=item["package_code"])
    return url_for("public.guide", code=item["item_code"])


def _hand_in(item: Mapping[str, Any]) -> Any:
    who = {name: given(name) for name in ("applicant_id", "applicant_name")}
    form = read_form(item["form_schema"], request.form)
    choices, wrong = _choices(item)
    refusals: list[str] = []
    if "parts" in item:
        choices, refusals = _of_package(item["whole"], choices)
        item = package.as_one(item["whole"], form, choices)
    elif not wrong:
        refusals = application.not_eligible(item, choices["eligibility"])
    errors = errors_of(item["form_schema"], form)
    receipts, refused = _receipts(item, form, who["applicant_id"])
    errors |= wrong | refused
    errors |= {f"m-{code}": text for code, text in application.missing(item, form, choices, receipts).items()
               if f"m-{code}" not in errors}  # fmt: skip
    if not errors and given("identity_seen") != "true":
        errors["identity_seen"] = _("请核对申请人的身份证件")
    if errors or refusals:
        return _form_page(item, who, receipts, errors, refusals if not errors or "parts" in item else []), 422
    try:
        session[TAKEN_IN] = _post(item, form, choices, receipts, who)
    except Problem as problem:
        if problem.status in (401, 403) or problem.status >= 500:
            raise
        return _form_page(item, who, receipts, {"identity_seen": said_of(problem, item)}), problem.status
    return redirect(url_for("desk.window"), 303)


def _post(
    item: Mapping[str, Any],
    form: Mapping[str, Any],
    choices: Mapping[str, Any],
    receipts: Mapping[str, str],
    who: Mapping[str, str],
) -> dict[str, Any]:
    """Hand it in; what the page says of it afterwards. Raises Problem."""
    if "parts" in item:
        body = package.body_of(item, form, choices, receipts)
        done = api().post(path("packages", item["package_code"], "cases", "intake"), body | dict(who), key=given_key())
        number, accept_by = done["bundle_no"], min(case["accept_by"] for case in done["cases"])
    else:
        body = application.body_of(item, form, choices, receipts)
        done = api().post(path("cases", "intake"), body | dict(who), key=given_key())
        number, accept_by = done["case_no"], done["accept_by"]
    return {"case_no": number, "accept_by": accept_by, "applicant": who["applicant_name"], "officer": visitor().name}


def _of_package(whole: package.Package, choices: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Choices by item, and why the applicant does not qualify for some, unless the officer has noted that these are left out."""
    if len(choices["eligibility"]) < len(package.questions(whole)):
        return choices, []
    by_item = package.choices_of_items(whole, choices["eligibility"])
    refused = package.not_for(whole, by_item)
    for part in whole["parts"]:
        by_item.setdefault(part["item_code"], {}).update(
            commitment=part["item_code"] in request.form.getlist("commitment"),
            renews_licence=given(f"renews-{part['item_code']}"),
        )
    if len(refused) < len(whole["parts"]) and given("leave_out") == "true":
        return choices | {"by_item": by_item}, []
    kept = {code: {**chosen, "left_out": False} for code, chosen in by_item.items()}
    said = [f"{either(part)}{_('：')}{sentence}" for part in refused for sentence in part["why"]]
    return choices | {"by_item": kept}, said


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
                stored = upload_material(*package.source_of(item, code), file, applicant_id=applicant_id)
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
        may_leave_out=bool(refused or given("leave_out")) and "parts" in item,
        who=who,
        fields=fields_of(item["form_schema"]),
        shown_rules=[*item["materials"], *item.get("needless", ())],
        given=request.form,
        receipts=receipts,
        later=request.form.getlist("later"),
        errors=errors,
        refused=refused or [],
        key=given_key() if errors else fresh_key(),
    )
