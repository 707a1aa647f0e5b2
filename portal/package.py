"""一件事 as one guide: what a package and its items ask for together, by the answers and choices at hand.

``as_one`` reads like an item's guide, so that the same pages serve both: the materials are those asked for, each with the items
that it is for, and the items left out ask for nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from portal import application
from portal.api import path
from portal.language import either
from portal.session import api

Package = Mapping[str, Any]
Choices = Mapping[str, Any]


def package_of(code: str) -> Package:
    """The guide of a package, as it is in force or was when it was retired."""
    found: dict[str, Any] = api().get(path("packages", code))
    return found | {"materials": [rule | _guide_to(found, rule["code"]) for rule in found["materials"]]}


def _guide_to(package: Package, code: str) -> dict[str, Any]:
    """How the first item that asks for the material wants it filled in and signed, and names of all items that may ask for it."""
    asking = [
        (part, rule)
        for part in package["parts"]
        for rule in part["rules"]
        if part["materials"].get(rule["code"]) == code
    ]
    said = {name: value for name, value in asking[0][1].items() if name.startswith(("filling_guide", "signature"))}
    return said | {"needed_by": [either(part) for part, _rule in asking]}


def closed_parts(package: Package) -> list[Mapping[str, Any]]:
    """Items for which nobody can apply today, although the package always needs them."""
    return [part for part in package["parts"] if not part["when"] and application.closed_because(part)]


def as_one(package: Package, form: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """The package as one guide, with these answers and choices."""
    chosen = choices.get("by_item") or {}
    kept = [
        {**part, "applies": application.holds(part["when"], form)}
        for part in package["parts"]
        if not chosen.get(part["item_code"], {}).get("left_out")
    ]
    kept_codes = {part["item_code"] for part in kept}
    asked = _asked(package, kept, form, chosen)
    return {
        **package,
        "item_code": "",
        "whole": package,
        "parts": kept,
        "left_out": [_with_reasons(part, chosen) for part in package["parts"] if part["item_code"] not in kept_codes],
        "eligibility": questions(package),
        "form_schema": _form_of(package, kept),
        "materials": [asked[rule["code"]] for rule in package["materials"] if rule["code"] in asked],
        "needless": [rule for rule in package["materials"] if rule["code"] not in asked],
        "committed": frozenset(code for code, rule in asked.items() if rule["stood_in"]),
        "commitments": [_commitment(part, chosen) for part in kept if part["commitment"]],
        "delivery_ways": list(dict.fromkeys(way for part in kept for way in part["delivery_ways"])),
    }


def questions(package: Package) -> list[dict[str, Any]]:
    """The items' questions of eligibility, each once. ``asked_by``: (item code, the item's code of the question)."""
    found: dict[str, dict[str, Any]] = {}
    for part in package["parts"]:
        for question in part["eligibility"]:
            one = found.setdefault(question["question"], {**question, "code": f"q{len(found) + 1}", "asked_by": []})
            one["asked_by"].append((part["item_code"], question["code"]))
    return list(found.values())


def choices_of_items(package: Package, answers: Mapping[str, bool]) -> dict[str, dict[str, Any]]:
    """Answers to ``questions`` as choices by item; an item of which a condition is not met is left out."""
    by_item: dict[str, dict[str, Any]] = {}
    for question in questions(package):
        for item_code, code in question["asked_by"]:
            given = by_item.setdefault(item_code, {"eligibility": {}})
            given["eligibility"][code] = answers[question["code"]]
    for part in not_for(package, by_item):
        by_item[part["item_code"]]["left_out"] = True
    return by_item


def answers_of(package: Package, choices: Choices) -> dict[str, str]:
    """What was answered before, as fields of the page."""
    chosen = choices.get("by_item") or {}
    found = {}
    for question in questions(package):
        item_code, code = question["asked_by"][0]
        answer = chosen.get(item_code, {}).get("eligibility", {}).get(code)
        if answer is not None:
            found[f"eligible-{question['code']}"] = "yes" if answer else "no"
    return found


def not_for(package: Package, by_item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Items for which who answers so does not qualify, each with ``why``, a sentence for each condition."""
    judged = [_with_reasons(part, by_item) for part in package["parts"]]
    return [part for part in judged if part["why"]]


def _with_reasons(part: Mapping[str, Any], by_item: Mapping[str, Any]) -> dict[str, Any]:
    answers = by_item.get(part["item_code"], {}).get("eligibility", {})
    return {**part, "why": application.not_eligible(part, answers)}


def source_of(one: Mapping[str, Any], code: str) -> tuple[str, str]:
    """Item and material code under which a material is uploaded; of an item itself they are its own."""
    for part in one.get("parts", ()):
        for own, target in part["materials"].items():
            if target == code:
                return part["item_code"], own
    return one["item_code"], code


def body_of(
    one: Mapping[str, Any], form: Mapping[str, Any], choices: Choices, receipts: Mapping[str, str]
) -> dict[str, Any]:
    """The application as the API takes it. ``receipts`` of materials by the package's code; those not asked for stay out."""
    codes = {rule["code"] for rule in one["materials"]}
    there = {code: receipt for code, receipt in receipts.items() if code in codes}
    chosen = choices.get("by_item") or {}
    return {
        "package_version": one["version"],
        "form": form,
        "materials": list(there.values()),
        "later": application.later(one, form, choices, there),
        "commitment": [one["item_code"] for one in one["commitments"] if one["chosen"]],
        "eligibility": {code: given["eligibility"] for code, given in chosen.items() if given.get("eligibility")},
        "delivery_way": choices.get("delivery_way") or None,
        "delivery_address": choices.get("delivery_address") or None,
        "renews_licences": {
            code: given["renews_licence"] for code, given in chosen.items() if given.get("renews_licence")
        },
        "leave_out": [part["item_code"] for part in one["left_out"]],
    }


def _asked(
    package: Package, parts: Collection[Mapping[str, Any]], form: Mapping[str, Any], chosen: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What the items that apply ask for, by the package's code. ``stood_in``: a commitment stands in for it everywhere."""
    rules = {rule["code"]: rule for rule in package["materials"]}
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        promised = _promised(part, chosen)
        for own in _asked_by(part, form):
            code = part["materials"].get(own["code"], own["code"])
            new = {**rules[code], "when": (), "required": False, "needed_by": [], "stood_in": True}
            rule = found.setdefault(code, new)
            rule["needed_by"].append(either(part))
            rule["required"] |= bool(own["required"])
            rule["stood_in"] &= own["code"] in promised or not own["required"]
    for rule in found.values():
        rule["stood_in"] &= rule["required"]
    return found


def _asked_by(part: Mapping[str, Any], form: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The rules of the item's materials that its own form, filled in from the package's, calls for."""
    if part["applies"]:
        own = {name: form[target] for name, target in part["fields"].items() if target in form}
        yield from application.asked_for({"materials": part["rules"]}, own)


def _promised(part: Mapping[str, Any], chosen: Mapping[str, Any]) -> Collection[str]:
    if part["commitment"] and chosen.get(part["item_code"], {}).get("commitment"):
        return list(part["commitment"]["materials"])
    return ()


def _commitment(part: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    codes = [part["materials"].get(code, code) for code in part["commitment"]["materials"]]
    picked = bool(chosen.get(part["item_code"], {}).get("commitment"))
    return {**part["commitment"], "materials": codes, "item_code": part["item_code"], "item": part, "chosen": picked}


def _form_of(package: Package, kept: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """The one form without the fields that only items left out have."""
    needed = {target for part in kept for target in part["fields"].values()}
    needless = {target for part in package["parts"] for target in part["fields"].values()} - needed
    schema = _not_requiring(package["form_schema"], needless)
    fields = {name: field for name, field in schema.get("properties", {}).items() if name not in needless}
    return {**schema, "properties": fields}


def _not_requiring(schema: Any, names: Collection[str]) -> Any:
    if isinstance(schema, Mapping):
        return {
            key: [name for name in value if name not in names]
            if key == "required" and isinstance(value, list)
            else _not_requiring(value, names)
            for key, value in schema.items()
        }
    return [_not_requiring(one, names) for one in schema] if isinstance(schema, list) else schema
