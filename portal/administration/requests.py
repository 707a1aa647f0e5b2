"""个人信息请求: what waits for an answer, due first before the others; granted or refused with a reason that the person reads."""

from __future__ import annotations

from typing import Any

from flask import redirect, session, url_for
from flask_babel import gettext as _

from portal.administration.room import ADMINISTRATION, errors_of, for_system, given, given_key, missing, page
from portal.api import Problem, path
from portal.personal.vocabulary import REQUEST_KINDS
from portal.session import api

DONE = "administration_decided"


@ADMINISTRATION.get("/requests")
@for_system
def requests() -> Any:
    """待答复的请求."""
    return page("requests", requests=_waiting(), REQUEST_KINDS=REQUEST_KINDS, done=session.pop(DONE, ""))


@ADMINISTRATION.get("/requests/<uuid:request_id>")
@for_system
def data_request(request_id: Any) -> Any:
    """One request."""
    return _page(str(request_id), {})


@ADMINISTRATION.post("/requests/<uuid:request_id>")
@for_system
def decide(request_id: Any) -> Any:
    """答复. A granted erasure cannot be undone."""
    errors = missing("reason")
    if given("decision") not in ("grant", "refuse"):
        errors = {"decision": _("请选择办理还是不予办理"), **errors}
    if errors:
        return _page(str(request_id), errors)
    body: dict[str, Any] = {"granted": given("decision") == "grant", "reason": given("reason")}
    if name := given("name"):
        body["name"] = name
    try:
        api().post(path("data-requests", str(request_id), "decision"), body, key=given_key())
    except Problem as problem:
        field = "name" if problem.code == "correction_missing" else "decision"
        return _page(str(request_id), errors_of(problem, field))
    session[DONE] = _("已答复")
    return redirect(url_for("administration.requests"), 303)


def _waiting() -> list[dict[str, Any]]:
    return list(api().get(path("data-requests"))["requests"])


def _page(request_id: str, errors: dict[str, str]) -> Any:
    found = next((one for one in _waiting() if one["request_id"] == request_id), None)
    if found is None:
        raise Problem(404, "not_found", "", {})
    return page("request", errors, asked=found, REQUEST_KINDS=REQUEST_KINDS)
