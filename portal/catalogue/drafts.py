"""事项草稿: write, check, send to review, review, publish."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, session, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.catalogue.room import (
    CATALOGUE,
    DONE,
    DRAFT_STATES,
    errors_of,
    for_authors,
    for_system,
    given,
    given_key,
    missing,
    page,
)
from portal.catalogue.written import WrittenError, read_definition, written
from portal.session import api

ADDED = (
    "version", "state", "retired_on", "retired_reason", "suspended_reason", "produced_by", "published_at", "content_hash",
    "segments", "required_level",
)  # fmt: skip
"""What a guide says beside the definition."""


@CATALOGUE.get("/drafts")
@for_authors
def drafts() -> Any:
    """事项起草: the department's drafts, an administrator's: all; the latest first."""
    state = request.args.get("state", "")
    wanted = {"state": state} if state in DRAFT_STATES else {}
    try:
        found = api().get(path("item-drafts"), **wanted, before=request.args.get("before"))
    except Problem as problem:
        if problem.status != 422:
            raise
        found = {"drafts": [], "next": None}
    return page("drafts", found=found, state=wanted.get("state", ""))


@CATALOGUE.get("/drafts/new")
@for_authors
def new_draft() -> Any:
    """起草: from nothing, or from the item in force (``item``)."""
    return page("new_draft", text=_as_in_force(request.args.get("item", "")))


def _as_in_force(item_code: str) -> str:
    if not item_code:
        return ""
    guide = api().get(path("items", item_code))
    return written({name: value for name, value in guide.items() if name not in ADDED})


@CATALOGUE.post("/drafts/new")
@for_authors
def start() -> Any:
    """Begin a draft. It may be wrong; item code, name and lead department must be there."""
    text = request.form.get("text", "")
    try:
        body = {"definition": read_definition(text), "why": given("why")}
        draft = api().post(path("item-drafts"), body, key=given_key())
    except WrittenError as error:
        return page("new_draft", {"text": str(error)}, text=text)
    except Problem as problem:
        return page("new_draft", errors_of(problem, "text"), text=text)
    return _to(draft["draft_id"], _("草稿已保存"))


@CATALOGUE.get("/drafts/<uuid:draft_id>")
@for_authors
def draft(draft_id: Any) -> Any:
    """The draft with its findings, its differences from the version in force, its history, and what can be done."""
    return _page(str(draft_id))


@CATALOGUE.post("/drafts/<uuid:draft_id>")
@for_authors
def change(draft_id: Any) -> Any:
    """Keep what was written, right or not."""
    text = request.form.get("text", "")
    try:
        body = {"definition": read_definition(text), "revision": _revision()}
        api().put(path("item-drafts", str(draft_id)), body)
    except WrittenError as error:
        return _page(str(draft_id), {"text": str(error)}, text=text)
    except Problem as problem:
        return _page(str(draft_id), errors_of(problem, "text"), text=text)
    return _to(draft_id, _("草稿已保存"))


@CATALOGUE.post("/drafts/<uuid:draft_id>/submission")
@for_authors
def submit(draft_id: Any) -> Any:
    """送审."""
    return _move(draft_id, "submission", {"revision": _revision(), "why": given("why")}, "submit_why", _("已送审"))


@CATALOGUE.post("/drafts/<uuid:draft_id>/review")
@for_authors
def review(draft_id: Any) -> Any:
    """审核, by a second person."""
    errors = missing("review_why")
    if given("verdict") not in ("approve", "return"):
        errors["verdict"] = _("请选择审核意见")
    if errors:
        return _page(str(draft_id), errors)
    body = {"revision": _revision(), "verdict": given("verdict"), "why": given("review_why")}
    return _move(draft_id, "review", body, "verdict", _("审核意见已记录"))


@CATALOGUE.post("/drafts/<uuid:draft_id>/publication")
@for_system
def publish(draft_id: Any) -> Any:
    """发布."""
    return _move(draft_id, "publication", {"why": given("why")}, "publish_why", _("已发布"))


@CATALOGUE.post("/drafts/<uuid:draft_id>/return")
@for_system
def give_back(draft_id: Any) -> Any:
    """退回 instead of publishing."""
    return _move(draft_id, "return", {"why": given("why")}, "publish_why", _("已退回"))


@CATALOGUE.post("/drafts/<uuid:draft_id>/discard")
@for_authors
def discard(draft_id: Any) -> Any:
    """作废."""
    return _move(draft_id, "discard", {"why": given("why")}, "discard_why", _("草稿已作废"))


def _move(draft_id: Any, what: str, body: dict[str, Any], field: str, sentence: str) -> Any:
    try:
        api().post(path("item-drafts", str(draft_id), what), body, key=given_key())
    except Problem as problem:
        return _page(str(draft_id), errors_of(problem, field))
    return _to(draft_id, sentence)


def _revision() -> int:
    """The one that the page was made of."""
    text = given("revision")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else 1


def _to(draft_id: Any, sentence: str) -> Any:
    session[DONE] = sentence
    return redirect(url_for("catalogue.draft", draft_id=draft_id), 303)


def _page(draft_id: str, errors: dict[str, str] | None = None, *, text: str | None = None) -> Any:
    found = api().get(path("item-drafts", draft_id))
    shown = written(found["definition"]) if text is None else text
    return page("draft", errors, draft=found, text=shown)
