"""What the pages of administrators share."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from portal.administration.vocabulary import ACCOUNT_STATES, FACTORS, REASONS, ROLES, STAFF_ROLES
from portal.api import Problem
from portal.session import for_kind
from portal.words import refusal

ADMINISTRATION = Blueprint("administration", __name__, url_prefix="/administration")
SYSTEM, SECURITY = "system_admin", "security_admin"
for_administrators = for_kind(SYSTEM, SECURITY)
for_system = for_kind(SYSTEM)
_WORDS = {
    "ROLES": ROLES,
    "STAFF_ROLES": STAFF_ROLES,
    "ACCOUNT_STATES": ACCOUNT_STATES,
    "REASONS": REASONS,
    "FACTORS": FACTORS,
}


def page(template: str, errors: Mapping[str, str] | None = None, /, **values: Any) -> Any:
    """A page of this room; with errors it answers 422."""
    shown = render_template(
        f"administration/{template}.html",
        errors=errors or {},
        key=str(uuid.uuid4()),
        form=request.form,
        **_WORDS,
        **values,
    )
    return (shown, 422) if errors else shown


def given(name: str) -> str:
    """A field of the sent form."""
    return request.form.get(name, "").strip()


def given_key() -> str:
    """The Idempotency-Key of the form that was sent."""
    return request.form.get("key") or str(uuid.uuid4())


def missing(*names: str) -> dict[str, str]:
    """Errors of the fields that were left empty."""
    return {name: _("请填写此项") for name in names if not given(name)}


def errors_of(problem: Problem, field: str) -> dict[str, str]:
    """The refusal as the error of ``field``. Raises it again when it is no refusal of what was typed."""
    if problem.status not in (404, 409, 422):
        raise problem
    return {field: refusal(problem)}
