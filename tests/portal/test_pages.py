"""What holds for every page, without a browser."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import MapAdapter

from tests.portal.addresses import OWN_ACCOUNT, PAGES, Place
from tests.portal.browsing import enter
from tests.portal.rig import Platform, World

NO_PAGES = {
    "static",
    "account.sign_in",
    "account.come_back",
    "account.show_keys",
    "account.still_here",
    "public.suggestions",
    "citizen.licence_pdf",
    "citizen.material",
    "citizen.live",
    "citizen.events",
    "citizen.proof",
    "citizen.unread",
    "citizen.bundle_now",
    "citizen.reschedule",  # of an appointment, of which the world has none: test_package_pages looks at these two
    "citizen.cancellation",
    "personal.export",
    "desk.case",
    "desk.export",
    "desk.export_cases",
    "desk.material",
    "desk.tasks_now",
    "supervision.board_now",
    "supervision.export_cases",
    "supervision.find",
    "supervision.proof",
}
INLINE = re.compile(r"<script(?![^>]* src=)[^>]*>|<style|\sstyle=|\son[a-z]+=|javascript:")
ELSEWHERE = re.compile(r'(?:src|href|action)="((?:https?:)?//[^"]+)"')


def test_every_page_is_in_the_list(portal: Flask, world: World) -> None:
    adapter: MapAdapter = portal.url_map.bind("localhost")
    listed = {adapter.match(place.of(world).partition("?")[0])[0] for place in PAGES if "nothing" not in place.address}
    pages = {
        rule.endpoint
        for rule in portal.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.endpoint.startswith("operator")
    }
    assert pages - NO_PAGES - listed == set()


@pytest.mark.parametrize("place", PAGES, ids=str)
def test_a_page_has_one_heading_a_title_and_nothing_inline_or_from_elsewhere(
    place: Place, client: FlaskClient, platform: Platform, world: World
) -> None:
    if place.username:
        enter(client, platform, place.username)
    answer = client.get(place.of(world))
    page = answer.get_data(as_text=True)
    assert answer.status_code == place.status, page
    assert page.count("<h1") == 1
    assert re.search(r"<title>[^<]*\S[^<]* · ", page)
    assert INLINE.findall(page) == []
    assert ELSEWHERE.findall(page) == []
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids)), "an id stands for one element"


@pytest.mark.parametrize("place", [place for place in PAGES if place.username], ids=str)
def test_a_stranger_is_asked_to_sign_in_and_led_back(place: Place, client: FlaskClient, world: World) -> None:
    answer = client.get(place.of(world))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("place", [p for p in PAGES if p.username and p not in OWN_ACCOUNT], ids=str)
def test_a_page_is_for_its_own_kind_of_people(
    place: Place, client: FlaskClient, platform: Platform, world: World
) -> None:
    other = "parent" if place.username.startswith("officer") else "officer-health"
    enter(client, platform, other)
    assert client.get(place.of(world)).status_code in (303, 403, 404)


def test_a_form_without_its_token_is_refused(client: FlaskClient) -> None:
    answer = client.post("/language", data={"language": "en"})
    assert answer.status_code == 400
    assert 'lang="zh-CN"' in client.get("/").text


@pytest.mark.parametrize("wanted", ["https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere_after_signing_in(wanted: str, client: FlaskClient, platform: Platform) -> None:
    assert enter(client, platform, "parent", wanted).location == "/my"
