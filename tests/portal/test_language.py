"""Every text stands in both languages, and a page in English is in English."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from flask.testing import FlaskClient

from tests.portal.addresses import PAGES, Place
from tests.portal.browsing import enter
from tests.portal.rig import Platform, World
from tests.portal.texts import CHINESE, PLACEHOLDER, asked_for, catalogs, chinese_in, without_english, written_twice

# What simulated departments say, in both languages at once.
SAID = ("模拟部门同意 / the simulated department agrees",)


@pytest.fixture(scope="module")
def rooms() -> dict[str, Catalog]:
    return catalogs()


def english_of(rooms: Mapping[str, Catalog]) -> dict[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Text -> room -> its English."""
    found: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = defaultdict(dict)
    for room, catalog in rooms.items():
        for message in catalog:
            if message.id:
                found[_tuple(message.id)][room] = _tuple(message.string)
    return found


def _tuple(texts: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def test_every_text_has_its_english_and_none_is_left_over(rooms: dict[str, Catalog]) -> None:
    wanted: dict[tuple[str, ...], str] = {}
    for asked in asked_for():
        wanted.setdefault(asked.ids, asked.at)
    there = {ids for ids, english in english_of(rooms).items() if all(all(one) for one in english.values())}
    assert {" | ".join(ids): at for ids, at in wanted.items() if ids not in there} == {}, "without English"
    assert sorted(" | ".join(ids) for ids in english_of(rooms) if ids not in wanted) == [], "asked for nowhere"
    assert {room: list(catalog.obsolete) for room, catalog in rooms.items() if catalog.obsolete} == {}


def test_no_text_is_translated_twice(rooms: dict[str, Catalog]) -> None:
    assert written_twice() == []
    double = {ids: english for ids, english in english_of(rooms).items() if len(set(english.values())) > 1}
    assert double == {}


def test_translations_keep_the_placeholders_and_are_english(rooms: dict[str, Catalog]) -> None:
    for ids, english in english_of(rooms).items():
        for room, texts in english.items():
            for text in texts:
                assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(ids[-1])), f"{room}: {ids}"
                assert not CHINESE.search(text), f"{room}: {ids}"


def test_the_files_say_that_they_are_utf8(rooms: dict[str, Catalog]) -> None:
    assert rooms
    for file in sorted(Path("portal/translations/en").glob("*.po")):
        assert '"Content-Type: text/plain; charset=utf-8\\n"' in file.read_text(encoding="utf-8"), file


@pytest.fixture(scope="module")
def only_chinese() -> list[str]:
    """Names and quotations that have no English, the longest first."""
    files = [*Path("catalogs/items").glob("*.yaml"), Path("catalogs/directory/demo.yaml")]
    return sorted({*SAID, *(text for file in files for text in without_english(file))}, key=len, reverse=True)


@pytest.mark.parametrize("place", PAGES, ids=str)
def test_a_page_in_english_has_no_chinese_but_names(
    place: Place, client: FlaskClient, platform: Platform, world: World, only_chinese: list[str]
) -> None:
    if place.username:
        enter(client, platform, place.username)
    with client.session_transaction() as cookie:
        cookie["language"] = "en"
    answer = client.get(place.of(world))
    assert answer.status_code == place.status
    page = answer.get_data(as_text=True)
    assert '<html lang="en"' in page
    assert chinese_in(page, only_chinese) == []


@pytest.mark.parametrize("place", PAGES, ids=str)
def test_a_page_is_chinese_until_the_visitor_says_otherwise(
    place: Place, client: FlaskClient, platform: Platform, world: World
) -> None:
    if place.username:
        enter(client, platform, place.username)
    page = client.get(place.of(world)).get_data(as_text=True)
    assert '<html lang="zh-CN"' in page
    assert page.count("<h1") == 1
