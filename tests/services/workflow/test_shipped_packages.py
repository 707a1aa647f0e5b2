"""Every package that ships in catalogs/ is applied for with one form and each material once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.item import Item, PackagePublished
from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.package_document import read_package
from services.catalog.domain.definition import to_item
from services.catalog.domain.merging import merge
from services.workflow.service import SERVICE
from tests.services.workflow.conftest import Desk
from tests.support import deliver, envelope_bytes

CATALOGS = Path(__file__).resolve().parents[3] / "catalogs"
FILES = sorted((CATALOGS / "packages").glob("*.yaml"))


@pytest.fixture(scope="module")
def items() -> dict[str, Item]:
    shipped = (to_item(read_entry(file).definition, 1) for file in sorted((CATALOGS / "items").glob("*.yaml")))
    return {item.item_code: item for item in shipped}


def answers(schema: dict[str, Any]) -> dict[str, Any]:
    """Something for every field that a form asks for."""
    example = {"contact_phone": "13800001234"}
    return {name: example.get(name, _answer(field)) for name, field in schema["properties"].items()}


def _answer(field: dict[str, Any]) -> Any:
    if "oneOf" in field:
        return field["oneOf"][0]["const"]
    if field["type"] == "array":
        return [_answer(field["items"]) for _ in range(field.get("minItems", 1))]
    if field["type"] in ("integer", "number"):
        return field.get("minimum", 1)
    return True if field["type"] == "boolean" else "云溪" + "一" * field.get("minLength", 2)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_package_opens_a_case_for_each_of_its_items(file: Path, items: dict[str, Item], desk: Desk) -> None:
    package, problems = merge(read_package(file).definition, items, 1)
    assert [problem for problem in problems if not problem.advice] == []
    form = answers(package.form_schema)
    for part in package.parts:
        desk.publish(items[part.item_code])
        form |= {condition.field: condition.one_of[0] for condition in part.when}
    event = PackagePublished(package_code=package.package_code, effective_from=date(2020, 1, 1), package=package)
    deliver(SERVICE, "workflow.items", envelope_bytes(event, source="catalog"))
    source = {target: (part.item_code, code) for part in package.parts for code, target in part.materials.items()}
    papers = [desk.receipt(source[rule.code][1], item_code=source[rule.code][0]) for rule in package.materials]
    body = {
        "form": form,
        "materials": papers,
        "eligibility": {
            code: {question.code: question.must_be for question in items[code].eligibility}
            for code in (part.item_code for part in package.parts)
        },
        "delivery_address": "云溪县学府路1号",
    }
    headers = desk.citizen(level=5) | {"Idempotency-Key": "once"}
    answer = desk.client.post(f"/api/v1/packages/{package.package_code}/cases", json=body, headers=headers)
    assert answer.status_code == 201, answer.json
    assert [case["item_code"] for case in answer.json["cases"]] == [part.item_code for part in package.parts]
