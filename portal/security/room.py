"""What the pages of the security settings share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar
from uuid import uuid4

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from portal.api import Problem
from portal.session import visitor
from portal.words import refusal

View = TypeVar("View", bound=Callable[..., Any])

SECURITY = Blueprint("security", __name__, url_prefix="/security")
DONE = "security_done"
# Which field of a form the refusal is about.
_FIELDS = {"password_wrong": "password", "code_wrong": "code", "password_unfit": "new", "too_many_attempts": "password"}


def for_signed_in(view: View) -> View:
    """For everybody who is signed in, of whatever kind."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs) if visitor().signed_in else to_sign_in()

    return checked  # type: ignore[return-value]


def to_sign_in() -> Any:
    """And back to the settings. What was in the form is forgotten: these forms hold passwords."""
    wanted = request.path if request.method == "GET" else url_for("security.overview")
    return redirect(url_for("account.sign_in", next=wanted), 303)


@SECURITY.errorhandler(Problem)
def refused(problem: Problem) -> Any:
    """A refusal that is about no field."""
    if problem.status == 401:
        return to_sign_in()
    return render_template("problem.html", problem=problem), problem.status


def given_key() -> str:
    """The Idempotency-Key of the form that was sent; a fresh one for a form that is shown."""
    return request.form.get("key") or fresh_key()


def fresh_key() -> str:
    """For a form that is made now."""
    return str(uuid4())


def missing(*names: str) -> dict[str, str]:
    """Errors of the fields of the sent form that were left empty."""
    return {name: _("请填写此项") for name in names if not request.form.get(name, "").strip()}


def page(template: str, errors: Mapping[str, str] | None = None, /, **values: Any) -> Any:
    """A page of these settings; with errors it answers 422."""
    shown = render_template(f"security/{template}.html", errors=errors or {}, key=fresh_key(), **values)
    return (shown, 422) if errors else shown


def errors_of(problem: Problem) -> dict[str, str]:
    """The refusal as the error of a field. Raises it again when it is about no field."""
    if problem.status == 401 or problem.status >= 500 or problem.code not in _FIELDS:
        raise problem
    text = refusal(problem)
    if wait := problem.facts.get("retry_after_s"):
        text += _("（%(seconds)s 秒后可再试）", seconds=wait)
    return {_FIELDS[problem.code]: text}


def done(sentence: str) -> Any:
    """Back to the settings, which say once what was done."""
    session[DONE] = sentence
    return redirect(url_for("security.overview"), 303)
