"""审计日志: administrative acts, and every entry of the ledger, the newest first."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from portal.api import Problem, path
from portal.session import api, for_kind

AUDITING = Blueprint("auditing", __name__, url_prefix="/auditing")
AUDITOR = "audit_admin"
for_auditors = for_kind(AUDITOR)
PAGE = 50


@AUDITING.get("")
@for_auditors
def acts() -> Any:
    """管理行为: who opened, changed or closed what, and why."""
    return _page("auditing/acts.html", acts="true")


@AUDITING.get("/journal")
@for_auditors
def journal() -> Any:
    """审计日志: every entry, or those of one case."""
    return _page("auditing/journal.html", case_no=request.args.get("case_no", "").strip().upper())


def _page(template: str, **wanted: str) -> Any:
    try:
        found = api().get(path("journal"), **wanted, before=request.args.get("before"), limit=PAGE)
    except Problem as problem:
        if problem.status != 422:
            raise
        return render_template(template, found={"entries": [], "next": None}, wanted=wanted, invalid=True), 422
    return render_template(template, found=found, wanted=wanted, invalid=False)
