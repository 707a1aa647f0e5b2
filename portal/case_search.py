"""查办件: officers and supervisors look for cases; who sees which is the API's to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request

from portal.api import Problem, path
from portal.session import api
from portal.shared import guide_of

FILTERS = ("case_no", "state", "item_code", "department", "submitted_from", "submitted_to", "overdue", "sort")


@dataclass(frozen=True)
class Search:
    """What was asked and what was found. ``invalid``: it cannot be looked for."""

    wanted: Mapping[str, str]
    before: str | None
    cases: list[dict[str, Any]] = field(default_factory=list)
    next: str | None = None
    invalid: bool = False


def asked(given: Mapping[str, str]) -> dict[str, str]:
    """The conditions that are filled in, as the API takes them."""
    filled = {name: "".join(given.get(name, "").split()) for name in FILTERS}
    return {name: value for name, value in filled.items() if value}


def search() -> Search:
    """Look for what the request asks."""
    wanted, before = asked(request.args), request.args.get("before")
    try:
        page = api().get(path("cases"), **wanted, before=before)
    except Problem as problem:
        if problem.status != 422:
            raise
        return Search(wanted, before, invalid=True)
    return Search(wanted, before, [_named(case) for case in page["cases"]], page["next"])


def _named(case: dict[str, Any]) -> dict[str, Any]:
    """The case with its item's English name, where the catalogue can be reached."""
    try:
        return case | {"item_name_en": guide_of(case["item_code"], case["item_version"])["name_en"]}
    except Problem as problem:
        if problem.status not in (404, 503):
            raise
        return case
