"""一件事申请: the questions of eligibility of all items once, and what to leave out; then the pages of any draft follow."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal import application, package
from portal.api import path
from portal.citizen.room import CITIZEN, for_citizens
from portal.session import api


@CITIZEN.get("/packages/<code>/apply")
@for_citizens
def begin_package(code: str) -> Any:
    """申请条件 of every item, with the answers of ``draft`` if they are to be changed."""
    whole = package.package_of(code)
    draft_id = request.args.get("draft", "")
    given = package.answers_of(whole, _draft(draft_id)["choices"]) if draft_id else {}
    return _page(whole, given=given, draft_id=draft_id, key=str(uuid.uuid4()))


@CITIZEN.post("/packages/<code>/apply")
@for_citizens
def start_package(code: str) -> Any:
    """Open a draft, or go on with ``draft``. Who does not qualify for some of the items confirms to go on with the others."""
    whole, key = package.package_of(code), request.form.get("key") or str(uuid.uuid4())
    draft_id = request.form.get("draft", "")
    page = partial(_page, whole, given=request.form, draft_id=draft_id, key=key)
    if whole["state"] != "in_force":
        return page(), 409
    answers, errors = application.eligibility_given({"eligibility": package.questions(whole)}, request.form)
    if request.form.get("eligible") != "true":
        errors["eligible"] = _("请确认您符合申请条件")
    if errors:
        return page(errors=errors), 422
    by_item = package.choices_of_items(whole, answers)
    refused = package.not_for(whole, by_item)
    if refused and (len(refused) == len(whole["parts"]) or request.form.get("leave_out") != "true"):
        return page(refused=refused), 422
    draft = _draft(draft_id or api().post(path("packages", code, "drafts"), None, key=key)["draft_id"])
    _keep(draft, by_item)
    return redirect(url_for("citizen.form", draft_id=draft["draft_id"]), 303)


def _draft(draft_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api().get(path("drafts", draft_id))
    return found


def _keep(draft: dict[str, Any], by_item: Mapping[str, Mapping[str, Any]]) -> None:
    """Answers replace those of before; what else was chosen for an item stays."""
    before = draft["choices"].get("by_item") or {}
    merged = {code: {**before.get(code, {}), "left_out": False, **given} for code, given in by_item.items()}
    choices = draft["choices"] | {"by_item": before | merged}
    if choices != draft["choices"]:
        kept = {name: draft[name] for name in ("form", "materials", "step", "version")}
        api().put(path("drafts", draft["draft_id"]), kept | {"choices": choices})


def _page(
    whole: package.Package,
    *,
    given: Mapping[str, str],
    draft_id: str,
    key: str,
    errors: Mapping[str, str] | None = None,
    refused: list[dict[str, Any]] | None = None,
) -> str:
    return render_template(
        "citizen/begin_package.html",
        package=whole,
        item={"eligibility": package.questions(whole)},
        closed_parts=package.closed_parts(whole),
        drafts=[] if draft_id else api().get(path("packages", whole["package_code"], "drafts"))["drafts"],
        given=given,
        draft_id=draft_id,
        key=key,
        errors=errors or {},
        refused=refused or [],
    )
