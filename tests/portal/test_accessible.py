"""WCAG 2.2 AA as far as a program can judge it, in Chinese on a phone and in English on a desk; and small or large text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.portal.addresses import PAGES, Place
from tests.portal.browsing import faults, in_english, sign_in
from tests.portal.rig import Platform, World

NARROW = 320
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


@pytest.mark.parametrize("look", [("phone", "zh"), ("desktop", "en")], ids="-".join)
@pytest.mark.parametrize("username", USERNAMES, ids=lambda name: name or "stranger")
def test_axe_finds_nothing_serious(
    username: str, look: tuple[str, str], page_at: Pages, platform: Platform, world: World
) -> None:
    size, language = look
    page = page_at(size)
    visit(page, platform, username, english=language == "en")
    found = {}
    for place in places_of(username):
        page.goto(place.of(world))
        if grave := faults(page):
            found[str(place)] = grave
    assert found == {}


@pytest.mark.parametrize("username", USERNAMES, ids=lambda name: name or "stranger")
def test_no_page_scrolls_sideways_when_it_is_narrow_or_its_text_is_twice_as_large(
    username: str, page_at: Pages, platform: Platform, world: World
) -> None:
    narrow, large = page_at(NARROW), page_at("desktop")
    found = {}
    for page, english in ((narrow, True), (large, False)):
        visit(page, platform, username, english=english)
    for place in places_of(username):
        narrow.goto(place.of(world))
        large.goto(place.of(world))
        large.evaluate("document.documentElement.style.fontSize = '200%'")
        for name, page in ((f"{NARROW} px", narrow), ("200 %", large)):
            if wide := page.evaluate(OVERFLOW):
                found[f"{place} at {name}"] = wide
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
