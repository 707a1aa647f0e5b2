"""What the pages of the catalogue's authors share."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, session
from flask_babel import gettext as _

from portal.api import Problem
from portal.session import OFFICER, for_kind
from portal.words import Word, refusal

CATALOGUE = Blueprint("catalogue", __name__, url_prefix="/catalogue")
SYSTEM = "system_admin"
DONE = "catalogue_done"
for_authors = for_kind(OFFICER, SYSTEM)
for_system = for_kind(SYSTEM)
DRAFT_STATES = {
    "draft": Word("起草中", "Being written", "calm"),
    "in_review": Word("待审核", "Under review", "warn"),
    "approved": Word("审核通过，待发布", "Approved, to be published", "good"),
    "scheduled": Word("已发布，待生效", "Published, not in force yet", "good"),
    "published": Word("已发布", "Published", "good"),
    "discarded": Word("已作废", "Discarded", "quiet"),
}
HISTORY = {
    "drafted": Word("起草", "Begun"),
    "changed": Word("修改", "Changed"),
    "submitted": Word("送审", "Sent to review"),
    "approved": Word("审核通过", "Approved"),
    "returned": Word("退回", "Given back"),
    "scheduled": Word("发布，待生效", "Published for its day"),
    "published": Word("发布", "Published"),
    "in_force": Word("生效", "In force"),
    "discarded": Word("作废", "Discarded"),
    "suspended": Word("暂停受理", "Suspended"),
    "resumed": Word("恢复受理", "Resumed"),
    "retired": Word("取消", "Retired"),
}
CHANGES = {
    "changed": Word("修改", "Changed"),
    "added": Word("新增", "Added", "good"),
    "removed": Word("删除", "Removed", "bad"),
    "reordered": Word("调整顺序", "Reordered"),
}
CATALOGUE.context_processor(lambda: {"DRAFT_STATES": DRAFT_STATES, "HISTORY": HISTORY, "CHANGES": CHANGES})


def page(template: str, errors: Mapping[str, str] | None = None, /, **values: Any) -> Any:
    """A page of this room; with errors it answers 422. What was done last is said once."""
    shown = render_template(
        f"catalogue/{template}.html",
        errors=errors or {},
        key=str(uuid.uuid4()),
        form=request.form,
        done=session.pop(DONE, ""),
        **values,
    )
    return (shown, 422) if errors else shown


def given(name: str) -> str:
    """A field of the sent form."""
    return request.form.get(name, "").replace("\r\n", "\n").strip()


def given_key() -> str:
    """The Idempotency-Key of the form that was sent."""
    return request.form.get("key") or str(uuid.uuid4())


def missing(*names: str) -> dict[str, str]:
    """Errors of the fields that were left empty."""
    return {name: _("请填写此项") for name in names if not given(name)}


def errors_of(problem: Problem, field: str) -> dict[str, str]:
    """The refusal as the error of ``field``. Raises it again when it is no refusal of what was asked for."""
    if problem.status not in (403, 409, 422) or problem.code == "scope_missing":
        raise problem
    return {field: refusal(problem)}
