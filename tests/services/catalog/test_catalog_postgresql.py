"""What only a real PostgreSQL can show: several publishers at once, each on its own connection."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from stdnum.cn.uscc import calc_check_digit

from chassis import clock
from chassis.auth import Principal
from chassis.errors import Refusal
from contracts.item import ItemPublished, ItemRetired
from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of
from services.catalog.domain.law_date import law_date
from services.catalog.jobs import catalog_import, keep_calendar, note_silence, search_index
from services.catalog.models import db, history
from services.catalog.service import SERVICE
from services.catalog.use_cases.publish_draft import publish_draft
from services.catalog.use_cases.publish_item import publish_item
from services.catalog.use_cases.review_draft import review_draft, submit_draft
from services.catalog.use_cases.write_draft import start_draft
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
        document["item_code"] = uscc + calc_check_digit(uscc) + document["item_code"][18:]
        document["handling_items"] = []
        document["name"] = f"校车使用许可{n}"
        return publish(document)

    assert sorted(map(str, at_once(publish_as))) == ["1"] + ["basic_code_conflict"] * (PUBLISHERS - 1)
    assert len(told(db, ItemPublished)) == 1


def test_items_are_found_and_silence_is_looked_for_as_on_sqlite(client: Any) -> None:
    register(*DEPARTMENTS)
    catalog_import.start_over()
    catalog_import()
    for query, found in (
        ("q=校车使用许可", ["校车使用许可"]),
        ("q=jyrx", ["教育入学一件事"]),
        ("q=xuke+校车", ["校车使用许可"]),
        ("q=校车使用许客", ["校车使用许可"]),
        ("q=0001050160", ["校车使用许可"]),
        ("q=natural+resources", ["教育入学一件事"]),
        ("life_event=schooling", ["教育入学一件事"]),
        ("q=&state=", ["校车使用许可", "自费出国留学中介服务机构资格认定", "教育入学一件事"]),
    ):
        answer = client.get(f"/api/v1/items/search?{query}")
        assert [item["name"] for item in answer.json["items"]] == found, query
    search_index.start_over()
    search_index()  # everything is indexed already
    note_silence()


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


@pytest.mark.usefixtures("client", "departments")
def test_processes_that_keep_the_calendar_at_once_do_each_thing_once(
    school_bus: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = law_date(clock.now())
    written = school_bus | {
        "effective_from": str(today + timedelta(days=1)),
        "cancel_on": str(today + timedelta(days=2)),
    }
    author, reviewer = (
        Principal(subject=who, name=who, kind="system_admin", scopes=frozenset(), party=who, department=None)
        for who in ("author", "reviewer")
    )
    with db.transaction() as tx:
        draft_id = start_draft(tx, written, why="", caller=author)
        submit_draft(tx, draft_id, revision=1, today=today, why="", caller=author)
    verdicts = at_once(lambda _: review(draft_id, reviewer))
    assert sorted(map(str, verdicts)) == ["None"] + ["draft_changed"] * (PUBLISHERS - 1)
    published = at_once(lambda _: schedule(draft_id, today))
    assert sorted(map(str, published)) == ["1"] + ["draft_state"] * (PUBLISHERS - 1)
    for days in (1, 2):
        later = clock.now() + timedelta(days=1)
        monkeypatch.setattr(clock, "now", lambda later=later: later)
        assert at_once(lambda _: keep_calendar()) == [None] * PUBLISHERS
        assert len(told(db, ItemRetired)) == days - 1
    with db.read() as connection:
        actions = connection.execute(sa.select(history.c.action).order_by(history.c.position)).scalars().all()
    assert actions == ["drafted", "submitted", "approved", "scheduled", "in_force", "retired"]


def review(draft_id: str, reviewer: Principal) -> None:
    with db.transaction() as tx:
        review_draft(tx, draft_id, approve=True, revision=2, why="好", caller=reviewer)


def schedule(draft_id: str, today: date) -> int:
    with db.transaction() as tx:
        return publish_draft(tx, draft_id, today=today, why="", by="a-1").version
