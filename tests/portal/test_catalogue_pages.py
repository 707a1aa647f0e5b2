"""Authors, a second person, and the administrator: from a draft to a version, in the pages; and what auditors see of it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.catalogue.written import written
from tests.portal.browsing import CSRF, enter
from tests.portal.rig import SUPERVISOR, Platform, World, definition_of, draft_of_item

AUTHOR, SECOND, ADMINISTRATOR = "officer-education", "decider-education", "administrator"
As = Callable[[str], FlaskClient]
TODAY = "2026-01-01"


@pytest.fixture
def signed_in(portal: Any, platform: Platform) -> As:
    """A client of its own for each account."""
    known: dict[str, FlaskClient] = {}

    def client(username: str) -> FlaskClient:
        if username not in known:
            known[username] = portal.test_client()
            enter(known[username], platform, username)
        return known[username]

    return client


def post(client: FlaskClient, page: str, to: str = "", **fields: Any) -> Any:
    """Send a form of ``page`` as it stands: its token, and the revision that it was made of."""
    shown = client.get(page).text
    token, revision = CSRF.search(shown), re.search(r'name="revision" value="(\d+)"', shown)
    assert token
    known = {"revision": revision[1]} if revision else {}
    return client.post(to or page, data={"csrf_token": token[1], **known, **fields})


def stored(platform: Platform, draft_id: str) -> Any:
    return platform.caller(AUTHOR).get(f"/api/v1/item-drafts/{draft_id}")


def test_a_draft_is_written_checked_and_kept_though_it_is_wrong(
    signed_in: As, platform: Platform, world: World
) -> None:
    author = signed_in(AUTHOR)
    begun = author.get(f"/catalogue/drafts/new?item={world.item_code}").text
    text = html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", begun, re.DOTALL)[1])  # type: ignore[index]
    assert "校车使用许可" in text
    broken = post(author, "/catalogue/drafts/new", text="name: [")
    assert (broken.status_code, "不是有效的 YAML" in broken.text) == (422, True)
    anonymous = post(author, "/catalogue/drafts/new", text="name: 校车")
    assert (anonymous.status_code, "草稿应有实施编码、名称和牵头部门" in anonymous.text) == (422, True)
    made = post(author, "/catalogue/drafts/new", text=text, key="draft-1").location
    draft_id = made.rpartition("/")[2]
    wrong = definition_of(platform, world.item_code, committed_limit={"amount": 99, "unit": "working_day"})
    assert post(author, made, text=written(wrong)).status_code == 303
    page = author.get(made).text
    assert "以下问题改正之前不能发布" in page
    assert "committed_limit" in page
    refused = post(author, made, f"{made}/submission", key="draft-2")
    assert refused.status_code == 422
    assert stored(platform, draft_id)["state"] == "draft"
    stale = author.post(made, data={"csrf_token": CSRF.search(page)[1], "revision": "1", "text": "x: y"})  # type: ignore[index]
    assert stale.status_code == 422
    assert stored(platform, draft_id)["definition"]["committed_limit"]["amount"] == 99
    assert post(author, made, f"{made}/discard", key="draft-3").status_code == 303
    assert stored(platform, draft_id)["state"] == "discarded"


def test_a_second_person_reviews_and_an_administrator_publishes(
    signed_in: As, platform: Platform, world: World
) -> None:
    draft_id = draft_of_item(
        platform, world.item_code, limit_note="征求意见三个工作日。", limit_note_en="Three days for opinions."
    )
    address, before = f"/catalogue/drafts/{draft_id}", platform.item["version"]
    author = signed_in(AUTHOR)
    assert "与现行版本的差异" in author.get(address).text
    assert post(author, address, f"{address}/submission", key="p-1").status_code == 303
    said = {"verdict": "approve", "review_why": "符合规定"}
    own = post(author, address, f"{address}/review", key="p-2", **said)
    assert own.status_code == 422
    assert stored(platform, draft_id)["state"] == "in_review"
    assert "审核意见" in signed_in(SECOND).get(address).text
    assert post(signed_in(SECOND), address, f"{address}/review", key="p-3", **said).status_code == 303
    forbidden = post(author, address, f"{address}/publication", key="p-4")
    assert forbidden.location.startswith("/sign-in"), "an officer publishes nothing"
    assert stored(platform, draft_id)["state"] == "approved"
    administrator = signed_in(ADMINISTRATOR)
    back = post(administrator, address, f"{address}/return", key="p-5")
    assert back.status_code == 303
    assert stored(platform, draft_id)["state"] == "draft"
    assert platform.caller().get(f"/api/v1/items/{world.item_code}")["version"] == before
    page = administrator.get("/catalogue/drafts?state=draft").text
    assert draft_id in page


def test_another_departments_drafts_are_not_there(signed_in: As, world: World) -> None:
    police = signed_in("officer-police")
    assert world.item_draft not in police.get("/catalogue/drafts").text
    assert police.get(f"/catalogue/drafts/{world.item_draft}").status_code == 404
    assert police.get(f"/catalogue/items/{world.item_code}").status_code == 404


def test_an_auditor_reads_who_did_what_and_nobody_else_does(signed_in: As, platform: Platform) -> None:
    auditor = signed_in("auditor")
    told = platform.caller("auditor").get("/api/v1/journal?acts=true")["entries"]
    page = auditor.get("/auditing").text
    for entry in told[:5]:
        assert entry["act"]["title"] in page
        assert f"<td>{entry['seq']}</td>" in page
    assert "审计日志" in auditor.get("/auditing/journal").text
    for other in (SUPERVISOR, AUTHOR, ADMINISTRATOR):
        assert signed_in(other).get("/auditing").location.startswith("/sign-in")


def test_an_owner_sees_no_outside_identity_and_can_end_none(signed_in: As) -> None:
    owner = signed_in("parent")
    assert "没有关联外部身份" in owner.get("/security/outside").text
    ended = post(owner, "/security/outside", "/security/outside/province/removal", key="o-1")
    assert ended.status_code == 404
