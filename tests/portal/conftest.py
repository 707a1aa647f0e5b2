"""One platform and one browser for all tests of the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from chassis.discovery import StaticDirectory
from chassis.keys import load_or_create_key
from localservers.requirements import CHROMIUM, require
from portal.app import create_portal
from portal.relying_party import RelyingParty
from tests.portal.browsing import SIZES
from tests.portal.rig import Platform, World, make_world, running_platform

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]
PATIENCE_MS = 20_000
# A refused form answers 422, a page of too many viewers 503: the browser notes each on its console.
ANSWER = re.compile(r"Failed to load resource: the server responded with a status of \d+")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses the browser needs a program of the machine."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("portal"), "--no-departments") as platform:
        yield platform


@pytest.fixture(scope="session")
def site(platform: Platform) -> str:
    """Where the portal is."""
    return platform.base_url


@pytest.fixture(scope="session")
def world(platform: Platform) -> World:
    return make_world(platform)


@pytest.fixture(scope="session")
def portal(site: str, platform: Platform) -> Flask:
    """A portal of the same platform in this process, for pages that need no browser: another of its processes."""
    key = load_or_create_key(platform.folder / "data" / "portal" / "client-key.pem")
    relying_party = RelyingParty(site, site, key)
    return create_portal(StaticDirectory({"gateway": site}), b"secret of a test", relying_party, secure=False)


@pytest.fixture
def client(portal: Flask) -> FlaskClient:
    return portal.test_client()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: while Playwright runs, no other test of this thread can run an event loop."""
    require("chromium")
    require("fonts-wqy-microhei")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page_at(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """``page_at("phone")`` or a width: a page of a visitor of its own, ``at`` another platform if it is given. Whatever a
    page complains of, and whatever it asks of other hosts, fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not ANSWER.match(message.text):
            complaints.append(f"{message.page.url if message.page else ''}: {message.text}")

    def fault(error: Error) -> None:
        complaints.append(str(error))

    def open_page(size: str | int, *, javascript: bool = True, at: str = site) -> Page:
        width, height = SIZES[size] if isinstance(size, str) else (size, 800)
        context = browser.new_context(
            base_url=at,
            viewport={"width": width, "height": height},
            has_touch=width < 600,
            java_script_enabled=javascript,
            reduced_motion="reduce",
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", note)
        context.on("weberror", lambda error: fault(error.error))
        context.on("request", lambda request: _within(request.url, at, complaints))
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _within(address: str, site: str, complaints: list[str]) -> None:
    if not address.startswith((site, "data:", "blob:", "about:")):
        complaints.append(f"asked for {address}")
