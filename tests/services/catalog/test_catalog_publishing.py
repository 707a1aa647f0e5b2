from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from stdnum.cn.uscc import calc_check_digit

from chassis import clock
from contracts.item import ItemPublished, ItemRetired
from services.catalog.adapters.definition_document import ItemDefinitionSchema, content_hash, definition_of, document_of
from services.catalog.domain.definition import least_level
from services.catalog.domain.law_date import law_date
from services.catalog.models import db, item_versions
from services.catalog.use_cases.publish_item import publish_item
from tests.services.catalog.conftest import Publisher, register
from tests.support import Tokens, told

Document = dict[str, Any]


def count_versions() -> int:
    with db.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(item_versions)).scalar_one())


def other_agency(document: Document) -> Document:
    """The same item as another agency has it."""
    other = copy.deepcopy(document)
    uscc = "1199012200001052X"
    uscc += calc_check_digit(uscc)
    other["item_code"] = uscc + other["item_code"][18:]
    other["handling_items"] = []
    return other


@pytest.mark.usefixtures("departments")
def test_a_published_item_is_told_as_cases_freeze_it(publisher: Publisher, school_bus: Document) -> None:
    answer = publisher.publish(school_bus)
    assert answer.status_code == 201
    assert answer.json == {"item_code": school_bus["item_code"], "version": 1, "created": True}
    [event] = told(db)
    assert isinstance(event, ItemPublished)
    assert event.effective_from == date(2026, 1, 1)
    item = msgspec.to_builtins(event.item)
    for part in ("item_code", "basic_code", "name", "name_en", "item_type", "lead_department", "form_schema"):
        assert item[part] == school_bus[part]
    assert item["version"] == 1
    plan = msgspec.json.decode(msgspec.json.encode(event.item.plan))
    assert [{"after": []} | step for step in plan] == school_bus["plan"]
    assert msgspec.json.decode(msgspec.json.encode(event.item.result)) == school_bus["result"]["licence"]
    assert item["statutory_limit"] == {"amount": 20, "unit": "working_day"}
    assert item["committed_limit"] == {"amount": 11, "unit": "working_day"}
    for rule, material in zip(event.item.materials, school_bus["materials"], strict=True):
        told_rule = msgspec.json.decode(msgspec.json.encode(rule))
        assert told_rule == {key: material[key] for key in told_rule}


@pytest.mark.usefixtures("departments")
def test_changed_words_make_the_next_version_and_the_same_words_do_not(
    publisher: Publisher, school_bus: Document
) -> None:
    assert publisher.publish(school_bus).json["version"] == 1
    again = publisher.publish(school_bus)
    assert (again.status_code, again.json["version"], again.json["created"]) == (200, 1, False)
    school_bus["faqs"][0]["answer"] = "需要重新申领。"
    second = publisher.publish(school_bus)
    assert (second.status_code, second.json["version"], second.json["created"]) == (201, 2, True)
    assert [event.item.version for event in told(db, ItemPublished)] == [1, 2]


@pytest.mark.usefixtures("departments")
def test_a_version_never_takes_effect_before_the_one_it_follows(publisher: Publisher, school_bus: Document) -> None:
    publisher.publish(school_bus)
    school_bus["effective_from"] = "2025-12-31"
    refused = publisher.publish(school_bus)
    assert (refused.status_code, refused.json["code"]) == (409, "effective_before_previous")
    assert count_versions() == len(told(db)) == 1


def test_a_plan_with_unknown_departments_is_refused_until_they_are_registered(
    client: FlaskClient, publisher: Publisher, school_bus: Document
) -> None:
    register("education", "police", "county_government")
    refused = publisher.publish(school_bus)
    assert (refused.status_code, refused.json["code"]) == (422, "department_unknown")
    assert refused.json["departments"] == ["transport"]
    assert count_versions() == 0
    assert told(db) == []
    register("transport", "transport")
    assert publisher.publish(school_bus).status_code == 201


@pytest.mark.usefixtures("departments")
def test_every_problem_of_a_guide_comes_in_one_answer(publisher: Publisher, school_bus: Document) -> None:
    school_bus["committed_limit"]["amount"] = 99
    school_bus["materials"][2]["basis"] = ""
    school_bus["form_schema"]["properties"]["seats"]["type"] = "number of seats"
    refused = publisher.publish(school_bus)
    assert (refused.status_code, refused.json["code"]) == (422, "item_invalid")
    assert [(p["code"], p["where"]) for p in refused.json["problems"]] == [
        ("committed_limit_exceeds_statutory", "committed_limit.amount"),
        ("material_basis_missing", "materials.2.basis"),
        ("form_schema_invalid", "form_schema.properties.seats.type"),
    ]
    assert count_versions() == 0
    assert told(db) == []


@pytest.mark.usefixtures("departments")
@pytest.mark.parametrize("part", ["name", "basis"])
def test_another_agency_cannot_give_one_basic_code_another_standard(
    publisher: Publisher, school_bus: Document, part: str
) -> None:
    publisher.publish(school_bus)
    other = other_agency(school_bus)
    if part == "name":
        other["name"] = "校车许可"
    else:
        other["bases"][0]["article"] = "第十六条"
    refused = publisher.publish(other)
    assert (refused.status_code, refused.json["code"]) == (409, "basic_code_conflict")
    assert refused.json["name"] == "校车使用许可"
    assert count_versions() == len(told(db)) == 1


@pytest.mark.usefixtures("departments")
def test_two_agencies_share_one_standard_and_only_a_sole_agency_may_change_it(
    publisher: Publisher, school_bus: Document
) -> None:
    publisher.publish(school_bus)
    renamed = school_bus | {"name": "校车使用许可（新）"}
    assert publisher.publish(renamed).json["version"] == 2
    assert publisher.publish(other_agency(renamed)).status_code == 201
    refused = publisher.publish(school_bus)
    assert (refused.status_code, refused.json["code"]) == (409, "basic_code_conflict")


@pytest.mark.usefixtures("departments")
def test_a_retired_item_is_told_and_takes_no_new_version(publisher: Publisher, school_bus: Document) -> None:
    publisher.publish(school_bus)
    code = school_bus["item_code"]
    answer = publisher.retire(code, {"reason": "国务院决定取消", "retired_on": "2026-03-01"})
    assert answer.status_code == 201
    assert told(db, ItemRetired) == [ItemRetired(item_code=code, retired_on=date(2026, 3, 1), reason="国务院决定取消")]
    school_bus["name_en"] = "School bus licence"
    for refused in (publisher.publish(school_bus), publisher.retire(code, {"reason": "再次取消"})):
        assert (refused.status_code, refused.json["code"]) == (409, "item_retired")
    assert count_versions() == 1
    assert len(told(db)) == 2


@pytest.mark.usefixtures("departments")
def test_retirement_takes_todays_date_in_shanghai_unless_told(publisher: Publisher, school_bus: Document) -> None:
    publisher.publish(school_bus)
    answer = publisher.retire(school_bus["item_code"], {"reason": "取消"})
    assert answer.json["retired_on"] == law_date(clock.now()).isoformat()


@pytest.mark.usefixtures("departments")
def test_an_item_cannot_end_before_it_begins(publisher: Publisher, school_bus: Document) -> None:
    publisher.publish(school_bus)
    refused = publisher.retire(school_bus["item_code"], {"reason": "取消", "retired_on": "2025-12-31"})
    assert (refused.status_code, refused.json["code"]) == (422, "retirement_before_effect")
    assert told(db, ItemRetired) == []


def test_an_unknown_item_cannot_be_retired(publisher: Publisher, school_bus: Document) -> None:
    for code in (school_bus["item_code"], "nonsense", "1" * 31):
        refused = publisher.retire(code, {"reason": "取消"})
        assert (refused.status_code, refused.json["code"]) == (404, "item_not_found")
    assert told(db) == []


@pytest.mark.usefixtures("departments")
def test_publishing_the_same_at_once_gives_one_version(school_bus: Document) -> None:
    definition = definition_of(ItemDefinitionSchema().load(school_bus))
    together = Barrier(4)

    def publish(_: int) -> int:
        together.wait()
        with db.transaction() as tx:
            return publish_item(tx, definition, by="a-1").version

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(publish, range(4))) == [1, 1, 1, 1]
    assert count_versions() == len(told(db)) == 1


@pytest.mark.usefixtures("departments")
def test_the_database_itself_keeps_a_version_from_being_written_twice(
    publisher: Publisher, school_bus: Document
) -> None:
    publisher.publish(school_bus)
    with db.read() as connection:
        row = dict(connection.execute(sa.select(item_versions)).one()._mapping)
    with pytest.raises(sa.exc.IntegrityError), db.transaction() as tx:
        tx.execute(sa.insert(item_versions).values(**row))
    assert count_versions() == 1


@pytest.mark.usefixtures("departments")
def test_a_repeated_request_gets_the_first_answer_and_a_changed_one_is_refused(
    publisher: Publisher, school_bus: Document
) -> None:
    first = publisher.publish(school_bus, key="same")
    again = publisher.publish(school_bus, key="same")
    assert (first.status_code, first.json) == (again.status_code, again.json)
    school_bus["name_en"] = "School bus licence"
    refused = publisher.publish(school_bus, key="same")
    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")
    assert count_versions() == len(told(db)) == 1


@pytest.mark.usefixtures("departments")
def test_a_refused_request_leaves_its_key_free(publisher: Publisher, school_bus: Document) -> None:
    assert publisher.publish(school_bus | {"faqs": []}, key="k").status_code == 422
    assert publisher.publish(school_bus, key="k").status_code == 201


@pytest.mark.parametrize("scope", [None, "cases:submit"])
def test_only_the_catalog_scope_may_publish_and_retire(
    client: FlaskClient, tokens: Tokens, school_bus: Document, scope: str | None
) -> None:
    headers = tokens.headers(scope) if scope else {}
    for path in ("/api/v1/items", f"/api/v1/items/{school_bus['item_code']}/retirement"):
        answer = client.post(path, json=school_bus, headers=headers | {"Idempotency-Key": "k"})
        assert answer.status_code == (403 if scope else 401)
    assert count_versions() == 0


@pytest.mark.usefixtures("departments")
def test_a_version_to_come_is_not_in_force_yet(client: FlaskClient, publisher: Publisher, school_bus: Document) -> None:
    code = school_bus["item_code"]
    tomorrow = (law_date(clock.now()) + timedelta(days=1)).isoformat()
    assert publisher.publish(school_bus | {"effective_from": tomorrow}).status_code == 201
    early = client.get(f"/api/v1/items/{code}")
    assert (early.status_code, early.json["code"]) == (404, "item_not_yet_in_force")
    assert client.get(f"/api/v1/items/{code}/versions/1").json["effective_from"] == tomorrow
    assert client.get("/api/v1/items").json["items"] == []


@pytest.mark.usefixtures("departments")
@pytest.mark.parametrize(
    ("said", "level"), [({}, 4), ({"min_level": None}, 4), ({"min_level": 5}, 5), ({"min_level": 2}, 2)]
)
def test_a_licence_needs_level_four_unless_its_guide_says_otherwise(
    publisher: Publisher, client: FlaskClient, school_bus: Document, said: Document, level: int
) -> None:
    assert publisher.publish(school_bus | said).status_code == 201
    [event] = told(db)
    assert event.item.min_level == level
    assert client.get(f"/api/v1/items/{school_bus['item_code']}").json["required_level"] == level


def test_other_applications_need_level_three_and_no_guide_may_ask_for_more_than_five(
    publisher: Publisher, school_bus: Document
) -> None:
    assert least_level(None, "07") == 3
    refused = publisher.publish(school_bus | {"min_level": 6})
    assert (refused.status_code, count_versions()) == (422, 0)


def test_a_guide_without_a_level_has_the_hash_that_it_had_before_levels(school_bus: Document) -> None:
    assert "min_level" not in school_bus
    assert content_hash(school_bus) == content_hash(document_of(definition_of(ItemDefinitionSchema().load(school_bus))))
