"""个人信息权利: who has looked, a copy to keep, correction and erasure with the day of an answer (个人信息保护法 §44–§50)."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.personal.room import PERSONAL, for_persons, given, given_key, missing, page
from portal.personal.vocabulary import REQUEST_KINDS
from portal.session import own_api
from portal.shared import pass_on
from portal.staff import department_names
from portal.words import refusal

LONGEST = 2000


@PERSONAL.get("/disclosures")
@for_persons
def disclosures() -> Any:
    """谁看过我的信息."""
    seen = own_api().get(path("my", "disclosures"))["disclosures"]
    return page("disclosures", disclosures=seen, departments=department_names())


@PERSONAL.get("/data")
@for_persons
def export() -> Any:
    """下载我的信息: JSON, as the API gives it."""
    return pass_on(own_api().call("GET", path("my", "data")))


@PERSONAL.get("/requests")
@for_persons
def requests() -> Any:
    """更正与删除: what was asked, and the form to ask."""
    return _page({})


@PERSONAL.post("/requests")
@for_persons
def ask() -> Any:
    """提出请求."""
    kind, details = given("kind"), given("details")[:LONGEST]
    errors = missing("details")
    if kind not in REQUEST_KINDS:
        errors = {"kind": _("请选择要更正还是删除"), **errors}
    if not errors and kind == "erasure" and not given("understood"):
        errors["understood"] = _("请确认您知道删除之后的后果")
    if errors:
        return _page(errors)
    try:
        own_api().post(path("my", "data-requests"), {"kind": kind, "details": details}, key=given_key())
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return _page({"kind": refusal(problem)})
    return redirect(url_for("personal.requests"), 303)


def _page(errors: dict[str, str]) -> Any:
    asked = own_api().get(path("my", "data-requests"))["requests"]
    chosen = {name: given(name) for name in ("kind", "details", "understood")}
    return page("requests", errors, requests=asked, chosen=chosen)
