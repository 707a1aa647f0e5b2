"""Finding items: by name, words, pinyin, code, topic, life event and department; the nearest first."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from chassis import clock
from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.definition_document import document_of
from services.catalog.adapters.pinyin import syllables
from services.catalog.domain.search_terms import runs_of, terms_of
from services.catalog.jobs import catalog_import, search_index
from services.catalog.models import db, search_documents, search_terms
from services.catalog.service import SERVICE
from tests.services.catalog.conftest import CATALOGS, DEPARTMENTS, Publisher, register
from tests.support import Tokens, bind, make_app, make_runtime

BUS, ENROL, AGENCY = "校车使用许可", "教育入学一件事", "自费出国留学中介服务机构资格认定"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Three items in force or over. The tests that change something come last, with a database of their own."""
    folder = tmp_path_factory.mktemp("search")
    bind(SERVICE, folder)
    client = make_app(SERVICE, make_runtime(SERVICE, folder, Tokens("catalog"), catalog_dir=CATALOGS)).test_client()
    register(*DEPARTMENTS)
    catalog_import()
    yield client
    db.engine.dispose()


def search(client: FlaskClient, **query: Any) -> Any:
    answer = client.get("/api/v1/items/search", query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json


def names(client: FlaskClient, **query: Any) -> list[str]:
    return [item["name"] for item in search(client, **query)["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "校车使用许可"}, [BUS]),
        ({"q": "校车"}, [BUS]),
        ({"q": "许可 校车"}, [BUS]),
        ({"q": "车"}, [BUS]),
        ({"q": "Ｓchool BUS"}, [BUS]),
        ({"q": "xiaoche"}, [BUS]),
        ({"q": "xcsyxk"}, [BUS]),
        ({"q": "shiyong"}, [BUS]),
        ({"q": "000105016"}, [BUS]),
        ({"q": "000105016000"}, [BUS]),
        ({"q": "11339999yx0000016u4002"}, [ENROL]),
        ({"q": "行驶证"}, [BUS]),
        ({"q": "transport"}, [BUS]),
        ({"q": "natural resources局"}, [ENROL]),
        ({"q": "入学 校车"}, []),
        ({"q": "%"}, []),
        ({"q": "__"}, []),
        ({"q": "，。！"}, []),
        ({"q": ""}, [BUS, ENROL]),
        ({"q": "留学"}, []),
        ({"q": "留学", "state": "retired"}, [AGENCY]),
        ({"q": "", "state": ""}, [BUS, AGENCY, ENROL]),
        ({"person_topic": "020"}, [ENROL]),
        ({"organisation_topic": "120"}, [BUS]),
        ({"life_event": "schooling"}, [ENROL]),
        ({"department": "transport"}, [BUS]),
        ({"lead_department": "transport"}, []),
        ({"item_type": "20"}, [ENROL]),
        ({"q": "学", "item_type": "01"}, []),
    ],
    ids=str,
)
def test_items_are_found(shipped: FlaskClient, query: dict[str, str], found: list[str]) -> None:
    assert names(shipped, **query) == found


@pytest.mark.parametrize("slip", ["校车使用许客", "笑车使用许可", "xiaocheshiyonf"])
def test_a_slip_finds_what_is_near_and_says_so(shipped: FlaskClient, slip: str) -> None:
    answer = search(shipped, q=slip)
    assert [item["name"] for item in answer["items"]] == [BUS]
    assert answer["near"] is True
    assert search(shipped, q="校车")["near"] is False


def test_nothing_near_is_an_empty_list(shipped: FlaskClient) -> None:
    assert search(shipped, q="量子计算机") == {"items": [], "next": None, "near": False}


def test_suggestions_come_while_one_types(shipped: FlaskClient) -> None:
    for typed in ("校", "xiaoc", "xcsy", "school b"):
        answer = shipped.get("/api/v1/items/suggestions", query_string={"q": typed})
        assert answer.json["items"][0]["name"] == BUS, typed
        assert "max-age" in answer.headers["Cache-Control"]
    assert shipped.get("/api/v1/items/suggestions").json == {"items": []}


def test_pages_follow_each_other_without_gap(shipped: FlaskClient) -> None:
    first = search(shipped, page_size=1)
    second = search(shipped, page_size=1, start=first["next"])
    assert [first["items"][0]["name"], second["items"][0]["name"], second["next"]] == [BUS, ENROL, None]


def variant(document: dict[str, Any], n: int, name: str, **more: Any) -> dict[str, Any]:
    changed = copy.deepcopy(document) | {"name": name, "handling_items": [], **more}
    changed["basic_code"] = f"00010501{n:04}"
    changed["item_code"] = document["item_code"][:19] + changed["basic_code"]
    return changed


def test_the_nearest_comes_first(publisher: Publisher, departments: None, school_bus: dict[str, Any]) -> None:
    wanted = ["教师资格", "教师资格认定", "中小学教师资格注册", "普通话测试"]
    for n, name in enumerate(reversed(wanted), 1):
        more = {"faqs": [school_bus["faqs"][0] | {"question": "教师资格要先测试吗？"}]} if name == wanted[3] else {}
        assert publisher.publish(variant(school_bus, n, name, **more)).status_code == 201
    client = publisher._client
    assert names(client, q="教师资格") == wanted
    assert names(client, q="jszg")[0:2] == wanted[0:2]


def test_a_version_is_found_from_its_day_on_and_the_one_before_until_then(
    publisher: Publisher, departments: None, school_bus: dict[str, Any]
) -> None:
    client, tomorrow = publisher._client, (clock.now() + timedelta(days=1)).date()
    assert publisher.publish(school_bus).status_code == 201
    later = school_bus | {"name": "通学车许可", "effective_from": tomorrow.isoformat()}
    assert publisher.publish(later).status_code == 201
    assert (names(client, q="校车使用"), names(client, q="通学车")) == ([BUS], [])
    with db.transaction() as tx:  # as if the day had come
        first = search_documents.c.version == 1
        day = tx.now.date() - timedelta(days=2)
        tx.execute(sa.update(search_documents).where(first).values(ends=day))
        tx.execute(sa.update(search_documents).where(~first).values(begins=day))
    assert names(client, q="校车使用") == names(client, q="通学车") == ["通学车许可"]  # its materials name the bus


def test_a_publication_that_is_refused_leaves_no_terms(
    publisher: Publisher, departments: None, school_bus: dict[str, Any]
) -> None:
    assert publisher.publish(school_bus | {"materials": [], "conditions": []}).status_code == 422
    with db.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(search_terms)).scalar() == 0


def test_versions_of_an_older_database_are_indexed(
    publisher: Publisher, departments: None, school_bus: dict[str, Any]
) -> None:
    assert publisher.publish(school_bus).status_code == 201
    with db.transaction() as tx:
        before = {row.term for row in tx.execute(sa.select(search_terms.c.term))}
        tx.execute(sa.delete(search_terms))
        tx.execute(sa.update(search_documents).values(form=0))
    search_index.start_over()
    search_index()
    with db.read() as connection:
        assert {row.term for row in connection.execute(sa.select(search_terms.c.term))} == before


def test_terms_are_those_of_the_name_the_codes_the_guide_and_the_facets() -> None:
    document = document_of(read_entry(CATALOGS / "items" / "school-bus-permit.yaml").definition)
    terms = terms_of(document, ["交通运输"], syllables)
    assert {
        "n校车使用许可",
        "w校车",
        "w车",
        "wschool",
        "pxiaocheshiyongxuke",
        "pxuke",
        "ixcsyxk",
        "c000105016000",
    } <= terms
    assert {"t校车", "t运输", "y01", "o120", "leducation", "dpolice", "eoperating"} <= terms
    assert not {"w运输", "t其他"} & terms
    assert max(map(len, terms)) <= 80


def test_a_query_is_cut_into_runs() -> None:
    [chinese, latin] = runs_of("重庆，AB-1", syllables)[:2]
    assert (chinese.words, chinese.sounds) == (("重庆",), "chongqing")
    assert (latin.text, latin.words) == ("ab", ())
    assert len(runs_of("一 二 三 四 五 六 七", syllables)) == 5
    [longest] = runs_of("".join(map(chr, range(0x4E00, 0x4E40))), syllables)
    assert len(longest.words) == 15
