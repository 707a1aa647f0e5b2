"""账号清单: found by role, state, department and how usernames begin."""

from __future__ import annotations

from typing import Any

from flask import request

from portal.administration.room import ADMINISTRATION, for_administrators, page
from portal.api import Problem, path
from portal.session import api
from portal.staff import department_names

WANTED = ("kind", "state", "department", "username")


@ADMINISTRATION.get("/accounts")
@for_administrators
def accounts() -> Any:
    """账号."""
    wanted = {name: request.args.get(name, "").strip() for name in WANTED}
    wanted["username"] = wanted["username"].lower()
    try:
        found = api().get(path("accounts"), **wanted, after=request.args.get("after"))
    except Problem as problem:
        if problem.status != 422:
            raise
        found = {"accounts": [], "next": None}
    return page("accounts", found=found, wanted=wanted, departments=department_names())
