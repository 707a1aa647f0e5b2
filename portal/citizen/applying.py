"""在线申请: conditions, form, materials, review; of an item or, read as one guide, of a package (一件事).

A draft keeps everything at every step.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from portal import application, package
from portal.api import Problem, path
from portal.citizen.room import CITIZEN, for_citizens
from portal.forms import answers_of, errors_of, fields_of, read_form, shown
from portal.language import either
from portal.session import api
from portal.shared import guide_of
from portal.words import refusal

FORM, MATERIALS, REVIEW = "form", "materials", "review"


@CITIZEN.get("/apply/<item_code>")
@for_citizens
def begin(item_code: str) -> Any:
    """申请条件: whether one can apply now, what must be true, what will be needed, how long it takes."""
    return _begin_page(item_code, key=str(uuid.uuid4()))


@CITIZEN.post("/apply/<item_code>")
@for_citizens
def start(item_code: str) -> Any:
    """Open a draft for who qualifies; the key makes a repeated click the same draft."""
    key, item = request.form.get("key") or str(uuid.uuid4()), guide_of(item_code)
    if application.closed_because(item):
        return _begin_page(item_code, key=key), 409
    answers, errors = application.eligibility_given(item, request.form)
    if request.form.get("eligible") != "true":
        errors["eligible"] = _("请确认您符合申请条件")
    if errors:
        return _begin_page(item_code, key=key, errors=errors), 422
    if refused := application.not_eligible(item, answers):
        return _begin_page(item_code, key=key, refused=refused), 422
    draft = api().post(path("drafts"), {"item_code": item_code, "item_version": item["version"]}, key=key)
    if answers:
        draft = api().get(path("drafts", draft["draft_id"]))
        _choose(draft, eligibility=answers)
    return redirect(url_for("citizen.form", draft_id=draft["draft_id"]), 303)


def _begin_page(
    item_code: str, *, key: str, errors: Mapping[str, str] | None = None, refused: list[str] | None = None
) -> str:
    item = guide_of(item_code)
    return render_template(
        "citizen/begin.html",
        item=item,
        drafts=[d for d in api().get(path("drafts"))["drafts"] if d["item_code"] == item_code],
        key=key,
        errors=errors or {},
        refused=refused or [],
        given=request.form,
        closed=application.closed_because(item),
        batch=application.round_of(item),
    )


@CITIZEN.get("/drafts/<uuid:draft_id>/form")
@for_citizens
def form(draft_id: Any) -> Any:
    """填写表单."""
    draft, item = _open(draft_id)
    return _form_page(draft, item, {name: shown(value) for name, value in draft["form"].items()}, {})


@CITIZEN.post("/drafts/<uuid:draft_id>/form")
@for_citizens
def save_form(draft_id: Any) -> Any:
    """Keep what was filled in, right or not; go on when it is right."""
    draft, item = _open(draft_id)
    filled = read_form(item["form_schema"], request.form)
    draft = _save(draft, form=filled, step=FORM)
    if request.form.get("then") == "later":
        return redirect(url_for("citizen.home"), 303)
    if errors := errors_of(item["form_schema"], filled):
        return _form_page(draft, item, request.form, errors), 422
    return redirect(url_for("citizen.materials", draft_id=draft_id), 303)


def _form_page(draft: Any, item: Any, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    fields = fields_of(item["form_schema"])
    return render_template("citizen/form.html", draft=draft, item=item, fields=fields, values=values, errors=errors)


@CITIZEN.get("/drafts/<uuid:draft_id>/materials")
@for_citizens
def materials(draft_id: Any) -> Any:
    """上传材料: those that the answers call for."""
    draft, item = _open(draft_id)
    return _materials_page(draft, item, {})


@CITIZEN.post("/drafts/<uuid:draft_id>/materials/<code>")
@for_citizens
def upload(draft_id: Any, code: str) -> Any:
    """Take one file; what the guide does not allow is said beside it."""
    draft, item = _open(draft_id)
    try:
        stored = upload_material(*package.source_of(item, code), request.files.get("file"))
    except UploadError as error:
        return _materials_page(draft, item, {code: str(error)}), 422
    _save(draft, materials=draft["materials"] | {code: stored}, step=MATERIALS)
    return _to_materials(draft_id, f"m-{code}")


@CITIZEN.post("/drafts/<uuid:draft_id>/materials/<code>/removal")
@for_citizens
def remove(draft_id: Any, code: str) -> Any:
    """Take a file out of the draft."""
    draft, _item = _open(draft_id)
    _save(draft, materials={c: m for c, m in draft["materials"].items() if c != code}, step=MATERIALS)
    return _to_materials(draft_id, f"m-{code}")


@CITIZEN.post("/drafts/<uuid:draft_id>/materials/<code>/promise")
@for_citizens
def promise(draft_id: Any, code: str) -> Any:
    """容缺后补: promise to hand the material in later, or take the promise back."""
    draft, item = _open(draft_id)
    known = {rule["code"] for rule in item["materials"] if rule.get("later_working_days") is not None}
    promised = set(draft["choices"].get("later") or ()) - {code}
    if request.form.get("later") == "true" and code in known:
        promised.add(code)
    _choose(draft, later=sorted(promised))
    return _to_materials(draft_id, f"m-{code}")


@CITIZEN.post("/drafts/<uuid:draft_id>/commitment")
@for_citizens
def commit(draft_id: Any) -> Any:
    """告知承诺: commit instead of handing in, or hand in after all."""
    draft, item = _open(draft_id)
    commits, item_code = request.form.get("commitment") == "true", request.form.get("item", "")
    if item_code in {one["item_code"] for one in item.get("commitments", ())}:
        _choose_for(draft, item_code, commitment=commits)
    elif not draft["package_code"]:
        _choose(draft, commitment=commits and bool(item.get("commitment")))
    return _to_materials(draft_id, "commitment")


def _to_materials(draft_id: Any, anchor: str) -> Any:
    return redirect(url_for("citizen.materials", draft_id=draft_id, _anchor=anchor), 303)


@CITIZEN.post("/drafts/<uuid:draft_id>/materials")
@for_citizens
def finish_materials(draft_id: Any) -> Any:
    """Go on when every required material is there or promised."""
    draft, item = _open(draft_id)
    if errors := _missing(draft, item):
        return _materials_page(draft, item, errors), 422
    return redirect(url_for("citizen.review", draft_id=draft_id), 303)


def _materials_page(draft: Any, item: Any, errors: Mapping[str, str]) -> str:
    return render_template(
        "citizen/materials.html",
        draft=draft,
        item=item,
        errors=errors,
        rules=application.asked_for(item, draft["form"]),
        needless=application.not_asked_for(item, draft["form"]),
        committed=application.committed(item, draft["choices"]),
        later=_later(draft, item),
    )


@CITIZEN.get("/drafts/<uuid:draft_id>/review")
@for_citizens
def review(draft_id: Any) -> Any:
    """核对: everything once more before it is handed in."""
    draft, item = _open(draft_id)
    return _review_page(draft, item, {})


@CITIZEN.post("/drafts/<uuid:draft_id>/review")
@for_citizens
def submit(draft_id: Any) -> Any:
    """提交: the draft's id is the request's key. A draft that is gone was handed in by the click before this one."""
    try:
        draft, item = _open(draft_id)
    except Problem as problem:
        if problem.code != "draft_unknown":
            raise
        return redirect(url_for("citizen.home"), 303)
    draft, errors = _take_choices(draft, item)
    errors = errors_of(item["form_schema"], draft["form"]) | _missing(draft, item) | errors
    if not errors and request.form.get("declared") != "true":
        errors = {"declared": _("请声明所填内容和材料真实有效")}
    if errors:
        return _review_page(draft, item, errors), 422
    try:
        return _hand_in(draft, item)
    except Problem as problem:
        if problem.status in (401, 404) or problem.status >= 500:
            raise
        return _review_page(draft, item, {"declared": said_of(problem, item)}), problem.status


def _hand_in(draft: Any, item: Any) -> Any:
    receipts = {code: material["receipt"] for code, material in draft["materials"].items()}
    said = {"channel": "web", "draft_id": draft["draft_id"]}
    key = f"draft-{draft['draft_id']}"
    if draft["package_code"]:
        body = package.body_of(item, draft["form"], draft["choices"], receipts) | said
        opened = api().post(path("packages", draft["package_code"], "cases"), body, key=key)
        return redirect(url_for("citizen.bundle", bundle_no=opened["bundle_no"], new=1), 303)
    body = application.body_of(item, draft["form"], draft["choices"], receipts) | said
    case = api().post(path("cases"), body | {"item_version": draft["item_version"]}, key=key)
    return redirect(url_for("citizen.receipt", case_no=case["case_no"]), 303)


def said_of(problem: Problem, item: Any) -> str:
    """The refusal, with the item of a package that it is about."""
    names = {part["item_code"]: either(part) for part in item.get("parts", ())}
    about = names.get(str(problem.facts.get("item_code", "")))
    return f"{about}{_('：')}{refusal(problem)}" if about else refusal(problem)


def _take_choices(draft: Any, item: Any) -> tuple[Any, dict[str, str]]:
    """The draft with what was chosen on the last page, and what is wrong with it."""
    chosen, errors = application.delivery_given(item, request.form)
    if item.get("renewal"):
        chosen["renews_licence"] = request.form.get("renews_licence", "")
        if not chosen["renews_licence"]:
            errors["renews_licence"] = _("请选择要延续的证照")
    for part in item.get("parts", ()):
        if part["renewal"] and part["applies"]:
            field = f"renews-{part['item_code']}"
            draft = _choose_for(draft, part["item_code"], renews_licence=request.form.get(field, ""))
            if not request.form.get(field):
                errors[field] = _("请选择要延续的证照")
    known = draft["choices"]
    return (draft if chosen.items() <= known.items() else _choose(draft, **chosen)), errors


def _review_page(draft: Any, item: Any, errors: Mapping[str, str]) -> str:
    return render_template(
        "citizen/review.html",
        draft=draft,
        item=item,
        answers=answers_of(item["form_schema"], draft["form"]),
        rules=application.asked_for(item, draft["form"]),
        committed=application.committed(item, draft["choices"]),
        later=_later(draft, item),
        renewable=_renewable(item),
        errors=errors,
    )


def _renewable(item: Any) -> list[tuple[str, str]]:
    """The party's licences that are in force, as choices, where the item renews one."""
    if not item.get("renewal") and not any(part["renewal"] for part in item.get("parts", ())):
        return []
    found = api().get(path("licences"))["licences"]
    return [(one["licence_no"], f"{either(one)} {one['licence_no']}") for one in found if one["status"] == "valid"]


class UploadError(Exception):
    """A file cannot be taken; the message is for the page."""


def upload_material(
    item_code: str, code: str, file: FileStorage | None, *, applicant_id: str | None = None
) -> dict[str, Any]:
    """Store a file and return what a draft keeps of it; ``applicant_id``: for whom staff take it in. Raises UploadError."""
    if file is None or not file.filename:
        raise UploadError(_("请选择一个文件"))
    content = file.stream.read()
    try:
        answer = (
            api()
            .call(
                "POST",
                path("materials"),
                query={"item_code": item_code, "material_code": code, "applicant_id": applicant_id},
                body=content,
                headers={"Content-Type": file.mimetype or "application/octet-stream"},
            )
            .json()
        )
    except Problem as problem:
        if problem.status == 401 or problem.status >= 500:
            raise
        raise UploadError(refusal(problem)) from problem
    kept = {name: answer[name] for name in ("receipt", "media_type", "size_bytes", "sha256")}
    return kept | {"file_name": file.filename[:200]}


def _open(draft_id: uuid.UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    """The draft and the guide that it was begun with; of a package the one in force, whose items may have changed since."""
    draft = api().get(path("drafts", str(draft_id)))
    if draft["package_code"]:
        whole = package.package_of(draft["package_code"])
        return draft, package.as_one(whole, draft["form"], draft["choices"])
    return draft, guide_of(draft["item_code"], draft["item_version"])


def _save(draft: dict[str, Any], **changes: Any) -> dict[str, Any]:
    kept = {name: draft[name] for name in ("form", "materials", "step", "version")} | changes
    saved: dict[str, Any] = api().put(path("drafts", draft["draft_id"]), kept)
    return saved


def _choose(draft: dict[str, Any], **chosen: Any) -> dict[str, Any]:
    """The draft with these choices, too; saved if they are new."""
    choices = draft["choices"] | chosen
    return draft if choices == draft["choices"] else _save(draft, choices=choices)


def _choose_for(draft: dict[str, Any], item_code: str, **chosen: Any) -> dict[str, Any]:
    """The same for one item of a package."""
    by_item = draft["choices"].get("by_item") or {}
    return _choose(draft, by_item=by_item | {item_code: by_item.get(item_code, {}) | chosen})


def _later(draft: dict[str, Any], item: dict[str, Any]) -> list[str]:
    return application.later(item, draft["form"], draft["choices"], draft["materials"])


def _missing(draft: dict[str, Any], item: dict[str, Any]) -> dict[str, str]:
    """Required materials that are neither there nor promised."""
    return application.missing(item, draft["form"], draft["choices"], draft["materials"])
