from __future__ import annotations

import copy
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from stdnum.cn.uscc import calc_check_digit

from services.catalog.domain import vocabulary
from services.catalog.jobs import catalog_import
from services.catalog.models import db
from services.catalog.service import SERVICE
from tests.services.catalog.conftest import Publisher
from tests.support import told

Document = dict[str, Any]
ENROLMENT = "11339999YX0000016U4002005024000"
CANCELLED = "11339999YX0000016U4000105035000"


@pytest.fixture
def catalogue(client: FlaskClient, departments: None) -> FlaskClient:
    """The shipped catalogue is in."""
    catalog_import()
    return client


def codes_of(client: FlaskClient, query: str = "") -> list[str]:
    answer = client.get(f"/api/v1/items?{query}")
    assert answer.status_code == 200
    return [item["item_code"] for item in answer.json["items"]]


def test_the_list_is_public_and_shows_what_is_in_force(catalogue: FlaskClient, school_bus: Document) -> None:
    assert codes_of(catalogue) == [school_bus["item_code"], ENROLMENT]
    assert codes_of(catalogue, "state=retired") == [CANCELLED]
    assert codes_of(catalogue, "state=") == [school_bus["item_code"], CANCELLED, ENROLMENT]
    [first, *_] = catalogue.get("/api/v1/items").json["items"]
    assert first == {
        "item_code": school_bus["item_code"],
        "basic_code": "000105016000",
        "version": 1,
        "name": "校车使用许可",
        "name_en": "School bus permit",
        "item_type": "01",
        "lead_department": "education",
        "person_topics": [],
        "organisation_topics": ["120", "010"],
        "effective_from": "2026-01-01",
        "state": "in_force",
        "retired_on": None,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=校车", 1),
        ("q=SCHOOL", 2),
        ("q=002005024", 1),
        ("q=%25", 0),
        ("q=_", 0),
        ("item_type=20", 1),
        ("item_type=02", 0),
        ("lead_department=education", 2),
        ("lead_department=police", 0),
        ("person_topic=020", 1),
        ("organisation_topic=010", 1),
        ("organisation_topic=010&state=", 2),
        ("organisation_topic=020", 0),
        ("person_topic=020&q=校车", 0),
    ],
)
def test_items_are_found_by_words_and_filters(catalogue: FlaskClient, query: str, found: int) -> None:
    assert len(codes_of(catalogue, query)) == found


def test_pages_follow_each_other_without_gap_or_repeat(
    client: FlaskClient, departments: None, publisher: Publisher, school_bus: Document
) -> None:
    for n in range(5):
        one = copy.deepcopy(school_bus)
        uscc = f"119901220000105{n}1"
        one["item_code"] = uscc + calc_check_digit(uscc) + school_bus["item_code"][18:]
        one["handling_items"] = []
        assert publisher.publish(one).status_code == 201
    seen: list[str] = []
    after = ""
    while True:
        page = client.get(f"/api/v1/items?page_size=2&after={after}").json
        seen += [item["item_code"] for item in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == sorted(seen) == codes_of(client)
    assert len(seen) == 5


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=1e9",
        "page_size=x",
        "state=gone",
        "item_type=1",
        "person_topic=20",
        "organisation_topic=%25%25%25",
        "after=x",
        "q=%00",
        "q=" + "x" * 101,
    ],
)
def test_a_senseless_list_request_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/v1/items?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")


def test_the_guide_says_everything_that_was_written(catalogue: FlaskClient, school_bus: Document) -> None:
    guide = catalogue.get(f"/api/v1/items/{school_bus['item_code']}").json
    assert {key: guide[key] for key in school_bus} == school_bus
    assert (guide["version"], guide["state"], guide["retired_on"]) == (1, "in_force", None)
    assert guide["segments"]["level"] == {"code": "4", "zh": "县级", "en": "County"}
    assert guide["segments"]["item_type"]["zh"] == "行政许可"
    assert guide["segments"]["department"] == "05"


def test_an_older_version_can_still_be_read(catalogue: FlaskClient, publisher: Publisher, school_bus: Document) -> None:
    code = school_bus["item_code"]
    publisher.publish(school_bus | {"name_en": "School bus licence"})
    assert catalogue.get(f"/api/v1/items/{code}").json["name_en"] == "School bus licence"
    assert catalogue.get(f"/api/v1/items/{code}/versions/1").json["name_en"] == "School bus permit"
    assert catalogue.get(f"/api/v1/items/{code}/versions/2").json["version"] == 2


def test_an_unchanged_guide_is_not_sent_again(
    catalogue: FlaskClient, publisher: Publisher, school_bus: Document
) -> None:
    address = f"/api/v1/items/{school_bus['item_code']}"
    etag = catalogue.get(address).headers["ETag"]
    unchanged = catalogue.get(address, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert unchanged.headers["ETag"] == etag
    publisher.publish(school_bus | {"name_en": "School bus licence"})
    changed = catalogue.get(address, headers={"If-None-Match": etag})
    assert changed.status_code == 200
    publisher.retire(school_bus["item_code"], {"reason": "取消"})
    retired = catalogue.get(address, headers={"If-None-Match": changed.headers["ETag"]})
    assert (retired.status_code, retired.json["state"], retired.json["retired_reason"]) == (200, "retired", "取消")


@pytest.mark.parametrize(
    "path",
    [f"/{ENROLMENT[:-1]}9", "/x", "/%00", "/" + "校" * 31, f"/{ENROLMENT[:-1]}9/versions/1", "/x/versions/1"],
)
def test_an_unknown_item_is_not_found(catalogue: FlaskClient, path: str) -> None:
    answer = catalogue.get("/api/v1/items" + path)
    assert (answer.status_code, answer.json["code"]) == (404, "item_not_found")


@pytest.mark.parametrize("version", ["0", "2", "2147483647", "99999999999999999999", "-1", "x"])
def test_an_unknown_version_is_not_found(catalogue: FlaskClient, version: str) -> None:
    assert catalogue.get(f"/api/v1/items/{ENROLMENT}/versions/{version}").status_code == 404


def test_every_code_list_can_be_read_in_words_and_kept(client: FlaskClient) -> None:
    answer = client.get("/api/v1/vocabulary")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=3600")
    assert answer.json["item_types"][0] == {"code": "01", "zh": "行政许可", "en": "Licensing"}
    named = {name.lower() for name, value in vars(vocabulary).items() if isinstance(value, dict) and name.isupper()}
    assert set(answer.json) == named - {"lists"}
    for name, codes in answer.json.items():
        assert {one["code"]: (one["zh"], one["en"]) for one in codes} == vocabulary.LISTS[name]


def test_the_words_of_a_guide_are_in_the_code_lists(catalogue: FlaskClient, school_bus: Document) -> None:
    lists = {name: {one["code"] for one in codes} for name, codes in catalogue.get("/api/v1/vocabulary").json.items()}
    assert school_bus["power_source"] in lists["power_sources"]
    assert set(school_bus["organisation_topics"]) <= lists["organisation_topics"]
    assert {material["source"] for material in school_bus["materials"]} <= lists["material_sources"]


NONSENSE: list[Any] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"{}",
    b"\xff",
    b"[" * 100_000,
    b'{"a":' * 100_000,
]


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_what_is_no_definition_is_refused_and_changes_nothing(
    client: FlaskClient, publisher: Publisher, tokens: Any, body: bytes
) -> None:
    headers = tokens.headers("catalog:publish") | {"Idempotency-Key": "k"}
    answer = client.post("/api/v1/items", data=body, content_type="application/json", headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.content_type == "application/problem+json"
    assert told(db) == []


def deep(levels: int) -> Any:
    node: Any = {}
    for _ in range(levels):
        node = {"not": node}
    return node


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("name", "校车\x00许可"),
        ("name", "校车\ud800"),
        ("name", ""),
        ("name", 7),
        ("name", "x" * 201),
        ("effective_from", "2026-02-30"),
        ("effective_from", "soon"),
        ("item_type", "许可"),
        ("on_site_visits", "0"),
        ("on_site_visits", 2**70),
        ("online_level", "V"),
        ("materials", {}),
        ("materials", [{}] * 101),
        ("plan", [{"step": "a b"}]),
        ("colour", "yellow"),
        ("form_schema", []),
        ("form_schema", {"type": "object", "title": "\x00"}),
        ("form_schema", {"minimum": 2**60}),
        ("form_schema", {"minimum": float("nan")}),
        ("form_schema", deep(30)),
    ],
)
@pytest.mark.usefixtures("departments")
def test_a_part_of_the_wrong_shape_is_refused_and_changes_nothing(
    publisher: Publisher, school_bus: Document, part: str, value: Any
) -> None:
    answer = publisher.publish(school_bus | {part: value})
    assert (answer.status_code, answer.json["code"]) == (422, "item_invalid")
    assert part in {problem["where"].split(".")[0] for problem in answer.json["problems"]}
    assert told(db) == []


@pytest.mark.usefixtures("departments")
def test_a_definition_with_a_hole_is_refused_by_name(publisher: Publisher, school_bus: Document) -> None:
    for part in ("bases", "form_schema", "office", "result", "committed_limit"):
        answer = publisher.publish({key: value for key, value in school_bus.items() if key != part})
        assert answer.status_code == 422
        assert {"code": "element_missing", "where": part, "detail": "必填要素缺失 / a required element is missing"} in (
            answer.json["problems"]
        )
    assert told(db) == []


def test_the_api_is_documented_in_valid_openapi(client: FlaskClient) -> None:
    document = client.get("/openapi/catalog.json").json
    validate(document)
    assert {"/api/v1/items", "/api/v1/items/{item_code}", "/api/v1/vocabulary"} <= set(document["paths"])
    assert document["paths"]["/api/v1/items"]["post"]["security"] == [{"bearer": ["catalog:publish"]}]
    assert "security" not in document["paths"]["/api/v1/items"]["get"]


def test_every_refusal_has_a_status() -> None:
    assert set(SERVICE.refusals.values()) <= {403, 404, 409, 422}
