"""The room's blueprint and what several of its pages need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint

from portal.api import Api, Problem, path
from portal.kept import kept

PUBLIC = Blueprint("public", __name__)
CATALOGUE_KEPT_S = 20.0
LONGEST_PAGE = 200  # of the API's list of items

Value = TypeVar("Value")


def catalogue() -> list[dict[str, Any]]:
    """Every item in force, as the list of the API has it."""
    return kept("items", CATALOGUE_KEPT_S, _ask_items)


def packages_known() -> list[dict[str, Any]]:
    """Every package (一件事) that can be applied for."""
    found: list[dict[str, Any]] = kept(
        "packages", CATALOGUE_KEPT_S, lambda caller: caller.get(path("packages"))["packages"]
    )
    return found


def find_packages(q: str = "", event: str = "") -> list[dict[str, Any]]:
    """Packages with these words in their name or summary, in either language, and of the life event, if one is given."""
    names = ("name", "name_en", "summary", "summary_en")
    return [
        one
        for one in packages_known()
        if (not event or event in one["life_events"])
        and q.casefold() in " ".join(one[name] for name in names).casefold()
    ]


def _ask_items(caller: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = caller.get(path("items"), page_size=LONGEST_PAGE, after=after)
        found += page["items"]
        after = page["next"]
    return found


def unless_away(ask: Callable[[], Value]) -> Value | None:
    """What ``ask`` gives; None while the service behind it is away, so that the rest of the page can be shown."""
    try:
        return ask()
    except Problem as problem:
        if problem.status < 500:
            raise
        return None
