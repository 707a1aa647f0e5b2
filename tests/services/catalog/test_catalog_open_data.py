"""The catalogue as open data: whole, streamed, in the columns of the exchange tables, and not sent again unchanged."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.definition_document import document_of
from services.catalog.domain import vocabulary as v
from services.catalog.domain.exchange_tables import COLUMNS, TABLES, Version
from services.catalog.jobs import catalog_import
from services.catalog.queries import open_data
from tests.services.catalog.conftest import CATALOGS, Publisher

FILES = sorted((CATALOGS / "items").glob("*.yaml"))
CODES = {
    ("directory", "task_type"): v.ITEM_TYPES,
    ("directory", "use_level"): v.EXERCISE_LEVELS,
    ("directory", "task_state"): {"1", "2", "3"},
    ("implementation", "dept_type"): v.AGENCY_KINDS,
    ("implementation", "power_source"): v.POWER_SOURCES,
    ("implementation", "project_type"): v.CASE_KINDS,
    ("implementation", "anticipate_type"): {"工作日", "日", "个月"},
    ("implementation", "is_fee"): {"0", "1"},
    ("implementation", "server_type"): {"1", "2", "3", "4", "6", "9"},
    ("implementation", "handle_type"): {"1", "2", "3", "9"},
    ("extension", "result_type"): v.RESULT_KINDS,
    ("extension", "is_online"): {"0", "1"},
    ("extension", "user_topic_type"): v.PERSON_TOPICS,
    ("extension", "corp_topic_type"): v.ORGANISATION_TOPICS,
    ("extension", "online_handle_depth"): {"1", "2", "3", "4", "5", "6", "7"},
    ("material", "material_type"): v.MATERIAL_KINDS,
    ("material", "material_format"): v.MATERIAL_FORMS,
    ("material", "source_type"): v.MATERIAL_SOURCES,
    ("material", "is_need"): {"1", "2"},
}


@pytest.fixture
def catalogue(client: FlaskClient, departments: None) -> FlaskClient:
    """Three items, one of them retired."""
    catalog_import()
    return client


def table(client: FlaskClient, path: str) -> list[dict[str, str]]:
    answer = client.get(f"/api/v1/catalog/{path}")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv"), answer.text
    assert answer.is_streamed
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


@cache
def shipped() -> list[Version]:
    documents = [document_of(read_entry(file).definition) for file in FILES]
    return [Version(document=one, version=1, state="in_force", retired_on=None) for one in documents]


def rows_of(name: str) -> list[dict[str, Any]]:
    """Of everything that ships."""
    return [row for one in shipped() for row in TABLES[name](one)]


@pytest.mark.parametrize("name", TABLES)
def test_rows_of_everything_that_ships_have_the_columns_of_their_table(name: str) -> None:
    rows = rows_of(name)
    assert rows or name == "fee"
    assert {tuple(row) for row in rows} <= {COLUMNS[name]}


def test_cells_hold_codes_of_their_code_lists() -> None:
    rows = {name: rows_of(name) for name in TABLES}
    strange = [
        (name, column, cell)
        for (name, column), allowed in CODES.items()
        for row in rows[name]
        for cell in str(row[column]).split("^")
        if cell and cell not in allowed
    ]
    assert strange == []


def test_what_must_be_said_is_said() -> None:
    optional = {
        "entrust_name",
        "task_handle_item",
        "mobile_terminal_url",
        "special_procedure",
        "promise_explain",
        "fee_basis",
    }
    for row in rows_of("implementation"):
        assert [name for name, cell in row.items() if cell == "" and name not in optional] == [], row["task_code"]


def test_fees_with_reductions_are_rows_of_their_own(school_bus: dict[str, Any]) -> None:
    item = {
        "code": "f1",
        "name": "工本费",
        "name_en": "Fee",
        "basis": "《某法》",
        "standard": "5元",
        "standard_en": "5 yuan",
    }
    item["reductions"] = [{"text": "低保免", "text_en": "free"}]  # type: ignore[assignment]
    document = school_bus | {"fee": {"charged": True, "items": [item]}}
    [row] = TABLES["fee"](Version(document=document, version=1, state="in_force", retired_on=None))
    assert (row["fee_name"], row["is_desc"], row["desc_explain"]) == ("工本费", "1", "低保免")


def test_every_item_is_in_every_format(catalogue: FlaskClient) -> None:
    whole = json.loads(catalogue.get("/api/v1/catalog/items.json").data)
    assert [(one["name"], one["state"]) for one in whole] == [
        ("校车使用许可", "in_force"),
        ("自费出国留学中介服务机构资格认定", "retired"),
        ("教育入学一件事", "in_force"),
    ]
    assert len(whole[0]["materials"]) == 7
    assert [row["name"] for row in table(catalogue, "items.csv")] == [one["name"] for one in whole]
    listed = table(catalogue, "exchange/directory.csv")
    assert [(row["task_name"], row["task_state"], row["plan_cancel_date"]) for row in listed] == [
        ("校车使用许可", "1", ""),
        ("自费出国留学中介服务机构资格认定", "3", "2017-01-12"),
        ("教育入学一件事", "1", ""),
    ]
    materials = table(catalogue, "exchange/material.csv")
    assert [row["order_num"] for row in materials if row["task_code"] == whole[0]["item_code"]] == list("1234567")


def test_the_list_of_files_leads_to_each_of_them(catalogue: FlaskClient) -> None:
    listed = catalogue.get("/api/v1/catalog").json["data_sets"]
    assert len(listed) == 2 + len(TABLES)
    for one in listed:
        answer = catalogue.get(one["address"])
        assert (answer.status_code, answer.mimetype) == (200, one["media_type"])
        if one["columns"]:
            assert answer.get_data(as_text=True).splitlines()[0] == "\ufeff" + ",".join(one["columns"])
    unknown = catalogue.get("/api/v1/catalog/exchange/persons.csv")
    assert (unknown.status_code, unknown.json["code"]) == (404, "table_unknown")


def test_an_edition_that_is_known_is_not_sent_again_and_a_change_makes_another(
    catalogue: FlaskClient, publisher: Publisher, school_bus: dict[str, Any]
) -> None:
    path = "/api/v1/catalog/items.csv"
    tag = catalogue.get(path).headers["ETag"]
    again = catalogue.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert publisher.retire(school_bus["item_code"], {"reason": "取消"}).status_code == 201
    changed = catalogue.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_an_empty_catalogue_is_an_empty_file(client: FlaskClient) -> None:
    assert client.get("/api/v1/catalog/items.json").json == []
    assert table(client, "items.csv") == []


def test_a_cell_never_becomes_a_formula(publisher: Publisher, departments: None, school_bus: dict[str, Any]) -> None:
    faq = school_bus["faqs"][0] | {"question": '=HYPERLINK("x")', "answer": "甲,乙\n丙"}
    assert publisher.publish(school_bus | {"faqs": [faq]}).status_code == 201
    [row] = table(publisher._client, "exchange/faq.csv")
    assert (row["question"], row["answer"]) == ('\'=HYPERLINK("x")', "甲,乙\n丙")


def test_pages_are_read_until_the_last(
    publisher: Publisher, departments: None, school_bus: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_data, "AT_ONCE", 1)
    catalog_import()
    assert len(json.loads(publisher._client.get("/api/v1/catalog/items.json").data)) == 3
