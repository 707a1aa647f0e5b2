"""联系方式: a mobile number or an e-mail address; it is in force when the code that was sent to it has come back."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.personal.room import PERSONAL, done, for_persons, given, missing, page
from portal.personal.vocabulary import CONTACTS
from portal.session import own_api
from portal.words import refusal

KIND = "<any(mobile, email):kind>"


@PERSONAL.get(f"/contacts/{KIND}")
@for_persons
def contact(kind: str) -> Any:
    """One contact: another, or away with it."""
    return _page("contact", kind, {})


@PERSONAL.post(f"/contacts/{KIND}")
@for_persons
def change(kind: str) -> Any:
    """更改: a code is sent to it."""
    if errors := missing("address"):
        return _page("contact", kind, errors)
    try:
        own_api().put(path("my", "contacts", kind), {"address": given("address")})
    except Problem as problem:
        return _page("contact", kind, {"address": _said(problem)})
    return redirect(url_for("personal.code", kind=kind), 303)


@PERSONAL.get(f"/contacts/{KIND}/code")
@for_persons
def code(kind: str) -> Any:
    """Where the code goes."""
    return _page("code", kind, {})


@PERSONAL.post(f"/contacts/{KIND}/code")
@for_persons
def confirm(kind: str) -> Any:
    """验证."""
    if errors := missing("code"):
        return _page("code", kind, errors)
    try:
        own_api().call("POST", path("my", "contacts", kind, "confirmation"), json={"code": given("code")})
    except Problem as problem:
        return _page("code", kind, {"code": _said(problem)})
    return done(_("%(contact)s已验证，今后的消息发到这里", contact=CONTACTS[kind]))


@PERSONAL.post(f"/contacts/{KIND}/removal")
@for_persons
def remove(kind: str) -> Any:
    """删除."""
    own_api().delete(path("my", "contacts", kind))
    return done(_("%(contact)s已删除", contact=CONTACTS[kind]))


def _said(problem: Problem) -> str:
    """A refusal of what was typed. Raises it again when it is about something else."""
    if problem.status not in (422, 429):
        raise problem
    return _("手机号或邮箱格式有误") if problem.code == "invalid_input" else refusal(problem)


def _page(template: str, kind: str, errors: dict[str, str]) -> Any:
    known = {one["kind"]: one for one in own_api().get(path("my", "contacts"))["contacts"]}
    return page(template, errors, kind=kind, title=CONTACTS[kind], contact=known.get(kind), typed=given("address"))
