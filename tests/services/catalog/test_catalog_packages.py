from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from contracts.item import PackagePublished, PackageRetired
from services.catalog.adapters.catalog_files import SHIPPED
from services.catalog.jobs import catalog_import, keep_calendar
from services.catalog.models import db
from tests.services.catalog.conftest import Publisher
from tests.support import Tokens, told

Document = dict[str, Any]
NEW_BUS = {"type": "boolean", "title": "新增车辆", "title_en": "A new bus"}


@pytest.fixture
def two_items(departments: None, publisher: Publisher, school_bus: Document) -> tuple[Document, Document]:
    """The school bus permit and another item that asks for two of the same papers."""
    other = copy.deepcopy(school_bus) | {
        "handling_items": [],
        "name": "校车驾驶人备案",
        "name_en": "School bus drivers",
    }
    other["item_code"], other["basic_code"] = (
        school_bus["item_code"][:-3] + "001",
        school_bus["basic_code"][:-3] + "001",
    )
    kept = ("driver_name", "driver_licence_no", "contact_name", "contact_phone")
    form = other["form_schema"]
    form["properties"] = {name: form["properties"][name] for name in kept}
    form["required"], form["examples"] = list(kept), []
    other["result"]["licence"]["printed_fields"] = []
    other["materials"] = [school_bus["materials"][2], school_bus["materials"][4] | {"name": "驾驶人管理制度"}]
    for document in (school_bus, other):
        assert publisher.publish(document).status_code == 201
    return school_bus, other


def package_of(*items: Document, **more: Any) -> Document:
    moving = [{"field": "new_bus", "one_of": [True]}]
    return {
        "package_code": "school_bus_service", "name": "开办校车服务一件事", "name_en": "Starting a school bus service",
        "summary": "一次申请，同时办理。", "summary_en": "One application for both.", "effective_from": "2026-01-01",
        "lead_department": "education", "form": {"title": "申请表", "title_en": "Application"},
        "questions": {"new_bus": NEW_BUS},
        "parts": [{"item_code": items[0]["item_code"], "when": moving}, *({"item_code": i["item_code"]} for i in items[1:])],
    } | more  # fmt: skip


@pytest.fixture
def publish(client: FlaskClient, tokens: Tokens) -> Any:
    def call(document: Document, key: str = "p-1") -> Any:
        headers = tokens.headers("catalog:publish", sub="a-1", kind="system_admin") | {"Idempotency-Key": key}
        return client.post("/api/v1/packages", json=document, headers=headers)

    return call


def test_a_package_has_one_guide_with_one_form_and_each_material_once(
    client: FlaskClient, publish: Any, two_items: tuple[Document, Document]
) -> None:
    bus, drivers = two_items
    answer = publish(package_of(*two_items))
    assert (answer.status_code, answer.json["version"]) == (201, 1), answer.json
    assert publish(package_of(*two_items)).json == answer.json
    assert publish(package_of(*two_items), key="p-2").json == answer.json | {"created": False}
    guide = client.get("/api/v1/packages/school_bus_service").json
    assert [part["item_code"] for part in guide["parts"]] == [bus["item_code"], drivers["item_code"]]
    assert guide["parts"][0]["when"] == [{"field": "new_bus", "one_of": [True]}]
    assert guide["parts"][1]["materials"] == {
        "driver_qualification": "driver_qualification",
        "safety_rules": "safety_rules_2",
    }
    assert len(guide["materials"]) == len(bus["materials"]) + 1
    assert guide["saved_materials"] == 1
    assert set(guide["form_schema"]["required"]) == {
        "driver_name",
        "driver_licence_no",
        "contact_name",
        "contact_phone",
    }
    assert [one["name"] for one in client.get("/api/v1/packages").json["packages"]] == ["开办校车服务一件事"]
    [event] = told(db, PackagePublished)
    assert (event.package.version, len(event.package.parts)) == (1, 2)


def test_a_faulty_package_is_told_all_its_problems_and_not_published(
    client: FlaskClient, publish: Any, two_items: tuple[Document, Document]
) -> None:
    faulty = package_of(*two_items, questions={}, lead_department="health")
    faulty["parts"].append({"item_code": two_items[0]["item_code"][:-3] + "009", "fields": {}})
    answer = publish(faulty)
    assert (answer.status_code, answer.json["code"]) == (422, "package_invalid")
    assert {problem["code"] for problem in answer.json["problems"]} == {
        "package_item_unavailable",
        "package_lead_not_part",
        "condition_field_unknown",
        "form_field_unknown",
    }
    assert client.get("/api/v1/packages/school_bus_service").json["code"] == "package_not_found"
    assert told(db, PackagePublished) == []


def test_a_package_follows_its_items(
    client: FlaskClient, publisher: Publisher, publish: Any, two_items: tuple[Document, Document]
) -> None:
    assert publish(package_of(*two_items)).status_code == 201
    keep_calendar()
    assert len(told(db, PackagePublished)) == 1
    changed = copy.deepcopy(two_items[1])
    changed["materials"].pop()
    assert publisher.publish(changed).status_code == 201
    for _ in range(2):
        keep_calendar()
    assert [event.package.version for event in told(db, PackagePublished)] == [1, 2]
    assert len(client.get("/api/v1/packages/school_bus_service").json["materials"]) == len(two_items[0]["materials"])
    publisher.retire(changed["item_code"], {"reason": "取消"})
    keep_calendar()
    assert client.get("/api/v1/packages/school_bus_service").json["parts"][1]["state"] == "retired"


def test_a_retired_package_is_listed_no_more_and_gets_no_further_version(
    client: FlaskClient, publish: Any, tokens: Tokens, publisher: Publisher, two_items: tuple[Document, Document]
) -> None:
    assert publish(package_of(*two_items)).status_code == 201
    headers = tokens.headers("catalog:publish", sub="a-1", kind="system_admin")

    def retire(code: str, key: str, **body: Any) -> Any:
        address = f"/api/v1/packages/{code}/retirement"
        return client.post(address, json={"reason": "由新版取代"} | body, headers=headers | {"Idempotency-Key": key})

    assert retire("nothing", "r-0").json["code"] == "package_not_found"
    early = retire("school_bus_service", "r-1", retired_on="2025-12-31")
    assert (early.status_code, early.json["code"]) == (422, "retirement_before_effect")
    answer = retire("school_bus_service", "r-2")
    assert (answer.status_code, answer.json["reason"]) == (201, "由新版取代")
    assert retire("school_bus_service", "r-2").json == answer.json
    assert retire("school_bus_service", "r-3").json["code"] == "package_retired"
    changed = publish(package_of(*two_items, name="又一件事"), key="p-9")
    assert (changed.status_code, changed.json["code"]) == (409, "package_retired")
    [event] = told(db, PackageRetired)
    assert (event.package_code, event.reason) == ("school_bus_service", "由新版取代")
    assert client.get("/api/v1/packages").json["packages"] == []
    guide = client.get("/api/v1/packages/school_bus_service").json
    assert (guide["state"], guide["retired_reason"]) == ("retired", "由新版取代")
    other = copy.deepcopy(two_items[1])
    other["materials"].pop()
    assert publisher.publish(other).status_code == 201
    keep_calendar()
    assert len(told(db, PackagePublished)) == 1


def test_packages_are_found_by_name_and_by_life_event_and_say_what_their_items_ask(
    client: FlaskClient, publish: Any, two_items: tuple[Document, Document]
) -> None:
    document = package_of(*two_items, life_events=["operating"])
    assert publish(document).status_code == 201
    found = {
        query: [one["package_code"] for one in client.get(f"/api/v1/packages?{query}").json["packages"]]
        for query in ("q=校车", "q=School+BUS", "q=护照", "life_event=operating", "life_event=birth")
    }
    assert [bool(codes) for codes in found.values()] == [True, True, False, True, False]
    assert client.get("/api/v1/packages?life_event=X").status_code == 422
    [bus, _] = client.get("/api/v1/packages/school_bus_service").json["parts"]
    assert bus["statutory_limit"] == two_items[0]["statutory_limit"]
    assert (bus["eligibility"], bus["commitment"], bus["delivery_ways"]) == ([], None, ["electronic"])
    said = client.get("/api/v1/packages/school_bus_service/definition").json
    assert {name: said[name] for name in ("package_code", "questions", "life_events")} == {
        name: document[name] for name in ("package_code", "questions", "life_events")
    }


def test_a_package_that_ships_comes_into_force_once_its_items_are_there(
    client: FlaskClient, two_items: tuple[Document, Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packages").mkdir()
    file = tmp_path / "packages" / "school-bus-service.yaml"
    document = package_of(*two_items)
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    (tmp_path / "packages" / "broken.yaml").write_text("name: [", "utf-8")
    monkeypatch.setattr(SHIPPED, "path", tmp_path / "items")
    monkeypatch.setattr(SHIPPED, "wanted", frozenset())
    for _ in range(2):
        catalog_import.start_over()
        catalog_import()
    assert client.get("/api/v1/packages/school_bus_service").json["version"] == 1
    assert len(told(db, PackagePublished)) == 1
    document["retirement"] = {"retired_on": "2026-06-30", "reason": "由新版取代"}
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    for _ in range(2):
        catalog_import.start_over()
        catalog_import()
    assert [event.retired_on.isoformat() for event in told(db, PackageRetired)] == ["2026-06-30"]
