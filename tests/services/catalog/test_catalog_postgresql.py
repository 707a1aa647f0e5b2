"""What only a real PostgreSQL can show: several publishers at once, each on its own connection."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from chassis.errors import Refusal
from contracts.item import ItemPublished, ItemRetired
from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of
from services.catalog.domain.codes import uscc_check_digit
from services.catalog.jobs import catalog_import
from services.catalog.models import db
from services.catalog.service import SERVICE
from services.catalog.use_cases.publish_item import publish_item
from tests.services.catalog.conftest import CATALOGS, DEPARTMENTS, register
from tests.support import Tokens, bind, make_app, make_runtime, told

pytestmark = pytest.mark.servers

Document = dict[str, Any]
PUBLISHERS = 6


@pytest.fixture
def client(postgresql_url: str, tmp_path: Path, tokens: Tokens) -> Any:
    bind(SERVICE, tmp_path, postgresql_url)
    yield make_app(SERVICE, make_runtime(SERVICE, tmp_path, tokens, catalog_dir=CATALOGS)).test_client()
    db.engine.dispose()


def at_once(action: Callable[[int], object]) -> list[object]:
    """What each of several simultaneous calls gave: its result, or the code of its refusal."""
    together = Barrier(PUBLISHERS)

    def run(n: int) -> object:
        together.wait()
        try:
            return action(n)
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(PUBLISHERS) as pool:
        return list(pool.map(run, range(PUBLISHERS)))


def publish(document: Document) -> int:
    with db.transaction() as tx:
        return publish_item(tx, definition_of(ItemDefinitionSchema().load(document)), by="a-1").version


def variant(document: Document, n: int) -> Document:
    return document | {"name_en": f"School bus permit {n}"}


@pytest.mark.usefixtures("client", "departments")
def test_publishing_the_same_at_once_gives_one_version(school_bus: Document) -> None:
    assert at_once(lambda _: publish(school_bus)) == [1] * PUBLISHERS
    assert len(told(db, ItemPublished)) == 1


@pytest.mark.usefixtures("client", "departments")
def test_publishing_different_words_at_once_numbers_them_without_gap(school_bus: Document) -> None:
    versions = at_once(lambda n: publish(variant(school_bus, n)))
    assert sorted(versions) == list(range(1, PUBLISHERS + 1))  # type: ignore[type-var]


@pytest.mark.usefixtures("client", "departments")
def test_agencies_that_come_at_once_cannot_set_different_standards(school_bus: Document) -> None:
    def publish_as(n: int) -> int:
        document = copy.deepcopy(school_bus)
        uscc = f"11339998YX00000{n}0"
        document["item_code"] = uscc + uscc_check_digit(uscc) + document["item_code"][18:]
        document["handling_items"] = []
        document["name"] = f"校车使用许可{n}"
        return publish(document)

    assert sorted(map(str, at_once(publish_as))) == ["1"] + ["basic_code_conflict"] * (PUBLISHERS - 1)
    assert len(told(db, ItemPublished)) == 1


def test_importers_that_run_at_once_take_each_item_in_once(client: Any) -> None:
    at_once(lambda _: register(*DEPARTMENTS))

    def run(_: int) -> None:
        catalog_import.start_over()
        catalog_import()

    at_once(run)
    assert len(told(db, ItemPublished)) == 3
    assert len(told(db, ItemRetired)) == 1
    assert len(client.get("/api/v1/items?q=school").json["items"]) == 2
    [of_topic] = client.get("/api/v1/items?organisation_topic=120").json["items"]
    assert of_topic["organisation_topics"] == ["120", "010"]
