"""What the pages of 我的信息 share. They are about the visitor's own data, whomever the visitor acts for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from portal.personal.vocabulary import CONTACT_PENDING, LEVELS, REGISTERS, REQUEST_KINDS, REQUEST_STATES, SHOWN_ITEMS
from portal.session import PERSON, for_kind

PERSONAL = Blueprint("personal", __name__, url_prefix="/personal")
for_persons = for_kind(PERSON)
DONE = "personal_done"
_WORDS = {
    "CONTACT_PENDING": CONTACT_PENDING,
    "LEVELS": LEVELS,
    "REGISTERS": REGISTERS,
    "SHOWN_ITEMS": SHOWN_ITEMS,
    "REQUEST_KINDS": REQUEST_KINDS,
    "REQUEST_STATES": REQUEST_STATES,
}


def page(template: str, errors: Mapping[str, str] | None = None, /, **values: Any) -> Any:
    """A page of this room; with errors it answers 422."""
    shown = render_template(f"personal/{template}.html", errors=errors or {}, key=str(uuid.uuid4()), **_WORDS, **values)
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


def done(sentence: str) -> Any:
    """Back to the overview, which says once what was done."""
    session[DONE] = sentence
    return redirect(url_for("personal.overview"), 303)
