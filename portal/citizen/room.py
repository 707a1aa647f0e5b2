"""The room's blueprint and what several of its pages need."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from portal.api import path
from portal.session import PERSON, api, for_kind
from portal.shared import guide_of

CITIZEN = Blueprint("citizen", __name__)
for_citizens = for_kind(PERSON)


def case_of(case_no: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A case and the guide that it froze; names that the case has in Chinese only have their English beside them."""
    case: dict[str, Any] = api().get(path("cases", case_no))
    item = guide_of(case["item_code"], case["item_version"])
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
        thing["item_name_en"] = guide_of(thing["item_code"], thing["item_version"])["name_en"]
    return things
