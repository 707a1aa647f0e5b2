"""我的: cases, drafts and licences of whom the visitor acts for."""

from __future__ import annotations

from typing import Any

import segno
from flask import redirect, render_template, request, url_for

from portal.api import Problem, path
from portal.citizen.room import CITIZEN, for_citizens, name_items
from portal.public.room import packages_known, unless_away
from portal.session import api
from portal.shared import pass_on
from portal.words import CASE_STATES


@CITIZEN.get("/my")
@for_citizens
def home() -> Any:
    """我的办件: what waits for the visitor comes first."""
    state, before = request.args.get("state", ""), request.args.get("before")
    wanted = {"state": state} if state in CASE_STATES else {}
    page = api().get(path("cases"), **wanted, before=before)
    first = not before and not wanted
    drafts = name_items(_drafts()) + _package_drafts() if first else []
    bundles = api().get(path("bundles"))["bundles"] if first else []
    name_items(page["cases"])
    waiting = [case for case in page["cases"] if case["state"] == "awaiting_correction"]
    return render_template(
        "citizen/home.html", page=page, drafts=drafts, bundles=bundles, waiting=waiting, wanted=wanted
    )


def _package_drafts() -> list[dict[str, Any]]:
    """Drafts for packages (一件事), with their English names as far as the packages are in force."""
    names = {one["package_code"]: one["name_en"] for one in unless_away(packages_known) or ()}
    return [draft | {"item_name_en": names.get(draft["package_code"])} for draft in _drafts(of="package")]


def _drafts(**query: str) -> list[dict[str, Any]]:
    """Whoever may only see, acting for another, has none."""
    try:
        return list(api().get(path("drafts"), **query)["drafts"])
    except Problem as problem:
        if problem.code != "scope_missing":
            raise
        return []


@CITIZEN.get("/licences")
@for_citizens
def licences() -> Any:
    """我的证照."""
    page = api().get(path("licences"), after=request.args.get("after"))
    codes = {licence["licence_no"]: _qr(licence["licence_no"]) for licence in page["licences"]}
    return render_template("citizen/licences.html", page=page, codes=codes)


def _qr(licence_no: str) -> str:
    """A QR code of the public verification page, as an address of data."""
    address = url_for("public.licence", licence_no=licence_no, _external=True)
    return str(segno.make(address, micro=False).svg_data_uri(scale=3, border=2))


@CITIZEN.get("/licences/<licence_no>/pdf")
@for_citizens
def licence_pdf(licence_no: str) -> Any:
    """下载证照."""
    return pass_on(api().call("GET", path("licences", licence_no, "pdf")))


@CITIZEN.get("/materials/<uuid:material_id>")
@for_citizens
def material(material_id: Any) -> Any:
    """下载自己提交的材料."""
    return pass_on(api().call("GET", path("materials", str(material_id))))


@CITIZEN.post("/drafts/<uuid:draft_id>/deletion")
@for_citizens
def delete_draft(draft_id: Any) -> Any:
    """删除草稿."""
    api().delete(path("drafts", str(draft_id)))
    return redirect(url_for("citizen.home"), 303)
