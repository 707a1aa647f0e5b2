"""开户: staff by security administrators; a person, who is registered with it, by system administrators."""

from __future__ import annotations

from typing import Any

from flask import redirect, session, url_for
from flask_babel import gettext as _

from portal.administration.account import DONE
from portal.administration.room import (
    ADMINISTRATION,
    SYSTEM,
    errors_of,
    for_administrators,
    given,
    given_key,
    missing,
    page,
)
from portal.api import Problem, path
from portal.session import api, visitor
from portal.staff import department_names

# Which field of the form the refusal is about; others are about the username.
_FIELDS = {"identity_number_invalid": "identity_number", "account_invalid": "kind", "department_unknown": "department"}


@ADMINISTRATION.get("/accounts/new")
@for_administrators
def new_account() -> Any:
    """开户."""
    return _page({})


@ADMINISTRATION.post("/accounts/new")
@for_administrators
def open_account() -> Any:
    """开户, with a password for one sign-in."""
    of_persons = visitor().kind == SYSTEM
    errors = missing("username", "name", "password", "identity_number" if of_persons else "kind")
    if given("kind") == "officer":
        errors |= missing("department")
    if errors:
        return _page(errors)
    body: dict[str, Any] = {"username": given("username").lower(), "password": given("password")}
    key = given_key()
    try:
        body |= _person(key) if of_persons else _staff()
        made = api().post(path("accounts"), body, key=key)
    except Problem as problem:
        return _page(errors_of(problem, _FIELDS.get(problem.code, "username")))
    session[DONE] = _("账号已开立。请当面或以其他可靠方式告知密码，首次登录须修改")
    return redirect(url_for("administration.account", account_id=made["account_id"]), 303)


def _staff() -> dict[str, Any]:
    department = {"department": given("department")} if given("kind") == "officer" else {}
    return {"kind": given("kind"), "name": given("name"), **department}


def _person(key: str) -> dict[str, Any]:
    """The person's id; who is registered already has one."""
    party = {"kind": "person", "name": given("name"), "identity_number": given("identity_number").upper()}
    try:
        party_id = api().post(path("parties"), party, key=f"{key}-party")["party_id"]
    except Problem as problem:
        if problem.code != "party_exists":
            raise
        party_id = problem.facts["party_id"]
    return {"kind": "person", "person_id": party_id}


def _page(errors: dict[str, str]) -> Any:
    return page("new_account", errors, departments=department_names(), of_persons=visitor().kind == SYSTEM)
