"""办事: finding an item, and its guide (办事指南)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request

from portal.api import Problem, path
from portal.forms import fields_of
from portal.public.plan import stages_of
from portal.public.room import PUBLIC, catalogue, find_packages, unless_away
from portal.public.topics import asked_topic, topics_of
from portal.session import api
from portal.words import departments, label

FILTERS = ("q", "topic", "department", "type")
PAGE_SIZE = 20
LONGEST_WORDS = 100
NOT_ONLINE = ("none", "I")  # 网上办理深度 that ends with the guide
FORMATS = {"application/pdf": "PDF", "image/jpeg": "JPG", "image/png": "PNG"}


@PUBLIC.get("/items")
def items() -> Any:
    """查找事项: the nearest first, page by page. Whoever looks for one that is cancelled is told so below the first page."""
    wanted = {name: request.args.get(name, "").strip() for name in FILTERS}
    start = request.args.get("start", 0, type=int)
    shown = {"wanted": wanted, "start": start, "departments": unless_away(departments) or {}, **_choices()}
    try:
        page = _search(wanted, start=start)
        retired = _retired(wanted) if any(wanted.values()) and not start else []
    except Problem as problem:
        if problem.status != 422:
            raise
        return render_template("public/items.html", **shown, found=[], retired=[], invalid=True), 422
    found = [] if page["near"] and retired else page["items"]
    packages = (unless_away(lambda: find_packages(wanted["q"])) or []) if wanted["q"] and not start else []
    return render_template(
        "public/items.html",
        **shown,
        found=found,
        packages=packages,
        near=page["near"],
        retired=retired,
        next=page["next"],
    )


@PUBLIC.get("/items/suggestions")
def suggestions() -> Any:
    """What may be meant, while somebody types; without scripts nobody asks."""
    typed = request.args.get("q", "")[:LONGEST_WORDS].strip()
    found = unless_away(lambda: api().get(path("items", "suggestions"), q=typed)["items"]) if typed else []
    return render_template("public/suggestions.html", found=found or [])


def _search(wanted: Mapping[str, str], **more: Any) -> Any:
    return api().get(path("items", "search"), **_asked(wanted), page_size=PAGE_SIZE, **more)


def _retired(wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    """What was cancelled and fits wholly."""
    page = _search(wanted, state="retired")
    found: list[dict[str, Any]] = [] if page["near"] else page["items"]
    return found


def _asked(wanted: Mapping[str, str]) -> dict[str, str]:
    """The page's filters as the API's."""
    named = {"q": wanted["q"], "lead_department": wanted["department"], "item_type": wanted["type"]}
    return named | asked_topic(wanted["topic"])


def _choices() -> dict[str, Any]:
    """What the list can be filtered by: only what leads to an item."""
    known = catalogue()
    return {
        "topics": topics_of(known),
        "leading": sorted({item["lead_department"] for item in known}),
        "types": [(code, label("item_types", code)) for code in sorted({item["item_type"] for item in known})],
    }


@PUBLIC.get("/items/<code>")
def guide(code: str) -> Any:
    """办事指南: every element of the version in force."""
    item = api().get(path("items", code))
    fields = fields_of(item["form_schema"])
    return render_template(
        "public/guide.html",
        item=item,
        fields=fields,
        field_names={field.name: field.label for field in fields},
        stages=stages_of(item["plan"]),
        departments=unless_away(departments) or {},
        online=item["state"] == "in_force" and item["online_level"] not in NOT_ONLINE,
        formats=FORMATS,
        typical=unless_away(lambda: _typical(code)),
    )


def _typical(code: str) -> Any:
    """How long cases of the item have taken; None while workflow has not heard of it, or takes no more applications."""
    try:
        return api().get(path("estimates", code))
    except Problem as problem:
        if problem.status in (404, 409):
            return None
        raise
