"""我的应用: register, look, ask for production."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.developers.room import DEVELOPERS, error_of, given_grant, given_key, missing, page, to_app
from portal.session import PERSON, for_kind, own_api, visitor

FIELDS = ("name", "name_en", "purpose", "contact")
for_developers = for_kind(PERSON)


@DEVELOPERS.get("")
def home() -> Any:
    """What is open to anyone and how it is used; with the visitor's own apps."""
    apps = own_api().get(path("developer-apps"))["apps"] if visitor().kind == PERSON else []
    return page("home", apps=apps)


@DEVELOPERS.get("/apps/new")
@for_developers
def new_app() -> Any:
    """登记应用."""
    return page("new_app")


@DEVELOPERS.post("/apps/new")
@for_developers
def register_app() -> Any:
    """The app, and its first key, which is shown this once."""
    errors = missing(*FIELDS)
    given: dict[str, Any] = {name: request.form.get(name, "").strip() for name in FIELDS}
    given["redirect_uris"] = request.form.get("redirect_uris", "").split()
    if len(given["purpose"]) < 5:
        errors.setdefault("purpose", _("请用一句话说明用途"))
    if errors:
        return page("new_app", errors)
    try:
        made = own_api().post(path("developer-apps"), given, key=given_key())
    except Problem as problem:
        return page("new_app", error_of(problem, "name"))
    return page("key", made=made, app_id=made["app_id"])


@DEVELOPERS.get("/apps/<app_id>")
@for_developers
def app(app_id: str) -> Any:
    """应用详情: keys, quota, use."""
    return app_page(app_id)


@DEVELOPERS.post("/apps/<app_id>")
@for_developers
def apply_for_production(app_id: str) -> Any:
    """申请正式使用."""
    grant, errors = given_grant()
    if errors:
        return app_page(app_id, errors)
    try:
        own_api().post(path("developer-apps", app_id, "application"), grant, key=given_key())
    except Problem as problem:
        return app_page(app_id, error_of(problem, "datasets"))
    return to_app(app_id)


def app_page(app_id: str, errors: dict[str, str] | None = None) -> Any:
    """The app's page, with what is wrong with the form on it."""
    return page("app", errors, app=own_api().get(path("developer-apps", app_id)))
