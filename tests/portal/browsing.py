"""What tests do in pages, by role and label as people do, and what they look at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from flask.testing import FlaskClient
from playwright.sync_api import Locator, Page
from werkzeug.test import TestResponse

from demo.applications import paper
from tests.portal.rig import Platform

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
SCREENS = Path("build/screens")
AXE = Path("tests/portal/vendor/axe.min.js")
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
GRAVE = {"serious", "critical"}
FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_HTTP = urllib3.PoolManager()
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


def shot(page: Page, name: str) -> None:
    """A picture of the whole page: ``build/screens/<journey>-<step>-<width>.png``."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    assert size
    page.screenshot(path=SCREENS / f"{name}-{size['width']}.png", full_page=True)


def sign_in(page: Page, platform: Platform, username: str) -> None:
    """Through the sign-in page."""
    page.goto("/sign-in")
    enter_account(page, platform, username)


def enter_account(page: Page, platform: Platform, username: str) -> None:
    """Fill in the sign-in page that is shown."""
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(platform.passwords[username])
    page.get_by_role("main").get_by_role("button", name="登录 Sign in", exact=True).click()
    page.get_by_role("button", name="退出").wait_for()


def in_english(page: Page) -> None:
    """Choose the other language."""
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="中文").wait_for()


def link(page: Page, name: str | re.Pattern[str]) -> Locator:
    """The first link of that name; one that looks like a button is a link all the same."""
    return page.get_by_role("link", name=name).first


def upload(page: Page, label: str | re.Pattern[str], title: str) -> None:
    """Choose a one-page PDF for the field."""
    page.get_by_label(label).set_input_files(
        {"name": f"{title}.pdf", "mimeType": "application/pdf", "buffer": paper(title)}
    )


def enter(client: FlaskClient, platform: Platform, username: str, wanted: str = "") -> TestResponse:
    """Sign a test client in at the provider; returns the portal's answer to the one who comes back."""
    begun = client.get("/sign-in", query_string={"next": wanted} if wanted else {})
    assert begun.status_code == 303
    returned = urlsplit(at_provider(platform, begun.location, username))
    answer = client.get(f"{returned.path}?{returned.query}")
    assert answer.status_code == 303, answer.text
    return answer


def at_provider(platform: Platform, address: str, username: str) -> str:
    """Where the provider sends the browser that comes with ``address``. Who has signed in once stays so for the session."""
    known = platform.at_provider.get(username, "")
    asked = _HTTP.request("GET", address, headers={"Cookie": known}, redirect=False)
    if asked.status == 200 and b'name="password"' in asked.data:
        said = {"username": username, "password": platform.passwords[username]}
        asked = _send(platform, "sign-in", asked, "", **said)
        platform.at_provider[username] = known = _cookies(asked) or known
    if asked.status == 200:  # a third party: what it may have is asked
        asked = _send(platform, "consent", asked, known, decision="allow")
    assert asked.status == 303, asked.data.decode()
    return str(asked.headers["Location"])


def _send(
    platform: Platform, form: str, page: urllib3.BaseHTTPResponse, cookies: str, **fields: str
) -> urllib3.BaseHTTPResponse:
    token = FORM_TOKEN.search(page.data.decode())
    assert token, page.data.decode()
    return _HTTP.request(
        "POST",
        f"{platform.base_url}/oauth2/{form}",
        fields={"form_token": token[1], **fields},
        headers={"Cookie": "; ".join(filter(None, (cookies, _cookies(page))))},
        encode_multipart=False,
        redirect=False,
    )


def _cookies(answer: urllib3.BaseHTTPResponse) -> str:
    return "; ".join(one.partition(";")[0] for one in answer.headers.getlist("Set-Cookie"))


def submit(client: FlaskClient, address: str, **fields: str) -> TestResponse:
    """Send a form of the page with its token."""
    found = CSRF.search(client.get(address).get_data(as_text=True))
    assert found
    return client.post(address.partition("?")[0], data={"csrf_token": found.group(1), **fields})


def fill_form(page: Page, schema: dict[str, Any], values: dict[str, Any]) -> None:
    """Every field of an item's form, by its label."""
    for name, value in values.items():
        rule = schema["properties"][name]
        if choices := {choice["const"]: choice["title"] for choice in rule.get("oneOf", ())}:
            page.get_by_role("group", name=rule["title"]).get_by_label(choices[value], exact=True).check()
        else:
            text = "\n".join(value) if isinstance(value, list) else str(value)
            page.get_by_label(rule["title"], exact=True).fill(text)


def read_download(page: Page, name: str) -> bytes:
    """What the link lets people download."""
    with page.expect_download() as waiting:
        link(page, name).click()
    return Path(waiting.value.path()).read_bytes()


def faults(page: Page) -> list[str]:
    """What axe finds serious or critical, a line each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]
