"""The room's blueprint and what several of its pages need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, stream_with_context

from portal.api import Answer, path
from portal.kept import kept
from portal.session import PERSON, api, for_kind

GUIDE_KEPT_S = 3600.0
CITIZEN = Blueprint("citizen", __name__)
for_citizens = for_kind(PERSON)
_PASSED_ON = ("Content-Type", "Content-Length", "Content-Disposition", "X-Content-Type-Options", "Cache-Control")


def guide(item_code: str, version: int | None = None) -> dict[str, Any]:
    """The guide of an item: of the version in force, or of the one that a case froze, which never changes."""
    if version is None:
        found: dict[str, Any] = api().get(path("items", item_code))
        return found
    address = path("items", item_code, "versions", str(version))
    return kept(address, GUIDE_KEPT_S, lambda caller: caller.get(address))


def case_of(case_no: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A case and the guide that it froze; names that the case has in Chinese only have their English beside them."""
    case: dict[str, Any] = api().get(path("cases", case_no))
    item = guide(case["item_code"], case["item_version"])
    steps = {step["step"]: step["name_en"] for step in item["plan"]}
    rules = {rule["code"]: rule["name_en"] for rule in item["materials"]}
    case["item_name_en"] = item["name_en"]
    for task in case["tasks"]:
        task["step_name_en"] = steps.get(task["step"])
    for material in case["materials"]:
        material["name_en"] = rules.get(material["code"])
    return case, item


def name_items(things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give drafts or cases of a list ``item_name_en`` beside ``item_name``."""
    for thing in things:
        thing["item_name_en"] = guide(thing["item_code"], thing["item_version"])["name_en"]
    return things


def pass_on(answer: Answer) -> Response:
    """A file of the API's as the visitor's own download."""

    def chunks() -> Iterator[bytes]:
        yield from answer.chunks

    headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    return Response(stream_with_context(chunks()), answer.status, headers)
