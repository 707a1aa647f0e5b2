"""WCAG 2.2 AA as far as a program can judge it, in Chinese on a phone and in English on a desk; and small or large text.

Judging takes a browser most of its time: each page is judged in one of the two, its neighbours in the other.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.portal.addresses import PAGES, Place
from tests.portal.browsing import SIZES, faults, in_english, sign_in
from tests.portal.rig import Platform, World

NARROW, PHONE = 320, ViewportSize(width=SIZES["phone"][0], height=SIZES["phone"][1])
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const inside = (element) => element.closest(".scroll, pre, [style*=overflow]");
  const wide = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 1 && !inside(e));
  return [`width ${document.documentElement.scrollWidth}`, ...wide.slice(-5).map((e) => e.outerHTML.slice(0, 160))];
}"""

Pages = Callable[..., Page]
USERNAMES = tuple(dict.fromkeys(place.username for place in PAGES))


def places_of(username: str) -> list[Place]:
    return [place for place in PAGES if place.username == username]


def visit(page: Page, platform: Platform, username: str, *, english: bool = False) -> None:
    """Signed in, and in the wanted language."""
    page.goto("/")
    if username:
        sign_in(page, platform, username)
    if english:
        in_english(page)


@pytest.mark.parametrize("username", USERNAMES, ids=lambda name: name or "stranger")
def test_axe_finds_nothing_serious_and_narrow_pages_do_not_scroll_sideways(
    username: str, page_at: Pages, platform: Platform, world: World
) -> None:
    """In Chinese on a phone, of which some are 320 px wide."""
    page = page_at("phone")
    visit(page, platform, username)
    found = {}
    for number, place in enumerate(places_of(username)):
        page.goto(place.of(world))
        grave = [] if number % 2 else faults(page)
        page.set_viewport_size({"width": NARROW, "height": 800})
        grave += page.evaluate(OVERFLOW)
        page.set_viewport_size(PHONE)
        if grave:
            found[str(place)] = grave
    assert found == {}


@pytest.mark.parametrize("username", USERNAMES, ids=lambda name: name or "stranger")
def test_axe_finds_nothing_serious_and_large_text_does_not_scroll_sideways(
    username: str, page_at: Pages, platform: Platform, world: World
) -> None:
    """In English on a desk, also with text twice as large."""
    page = page_at("desktop")
    visit(page, platform, username, english=True)
    found = {}
    for number, place in enumerate(places_of(username)):
        page.goto(place.of(world))
        grave = faults(page) if number % 2 else []
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        if grave := grave + page.evaluate(OVERFLOW):
            found[str(place)] = grave
    assert found == {}


def test_the_keyboard_reaches_the_main_part_at_once(page_at: Pages) -> None:
    page = page_at("desktop")
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="跳到正文")
    assert skip.evaluate("element => element === document.activeElement")
    assert skip.bounding_box()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
