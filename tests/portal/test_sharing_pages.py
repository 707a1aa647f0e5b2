"""政务信息资源目录 in the officers' pages: apply, answer, end, and what the API says of it afterwards."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.portal.browsing import CSRF, enter
from tests.portal.rig import SHARED, Platform, World

RESOURCE = f"/desk/sharing/resources/{SHARED}"


def officer(portal: Flask, platform: Platform, department: str) -> FlaskClient:
    client = portal.test_client()
    enter(client, platform, f"officer-{department}")
    return client


def post(client: FlaskClient, page: str, to: str = "", **fields: Any) -> Any:
    """Send a form of ``page``, to another address if ``to`` is given."""
    found = CSRF.search(client.get(page).get_data(as_text=True))
    assert found
    return client.post(to or page, data={"csrf_token": found[1], **fields})


def test_a_department_applies_the_provider_answers_in_part_and_either_ends_it(
    portal: Flask, platform: Platform, world: World
) -> None:
    education, police = (officer(portal, platform, name) for name in ("education", "police"))
    assert RESOURCE in education.get("/desk/sharing?q=机动车&type=2").text
    assert RESOURCE not in education.get("/desk/sharing?type=1").text
    nothing = post(education, RESOURCE, item=world.item_code, purpose="核对")
    assert (nothing.status_code, "请至少选择一个信息项" in nothing.text) == (422, True)
    beyond = post(education, RESOURCE, item=world.item_code, purpose="核对", fields=["owner"])
    assert (beyond.status_code, "信息项不在范围内" in beyond.text) == (422, True)
    sent = post(education, RESOURCE, item=world.item_code, purpose="核对号牌", fields=["plate", "seats"])
    assert sent.status_code == 303, sent.text
    address = str(sent.location)
    application_id = address.rpartition("/")[2]
    assert "等待答复" in education.get(address).text
    assert "答复申请" not in education.get(address).text, "the applicant does not answer"
    assert address in police.get("/desk/sharing").text
    assert post(police, address, f"{address}/answer").status_code == 422
    part = {"grant": "yes", "fields": ["plate"]}
    unreasoned = post(police, address, f"{address}/answer", **part)
    assert unreasoned.status_code == 422
    caller = platform.caller("officer-police")
    assert caller.get(f"/api/v1/sharing-applications/{application_id}")["state"] == "open"
    assert post(police, address, f"{address}/answer", reason="座位数不需要", **part).location == address
    shown = education.get(address).text
    assert ("同意的信息项：号牌" in shown, "座位数不需要" in shown) == (True, True)
    assert post(education, address, f"{address}/end").status_code == 422
    assert post(education, address, f"{address}/end", end_reason="不再需要").location == address
    assert caller.get(f"/api/v1/sharing-applications/{application_id}")["state"] == "ended"
    assert officer(portal, platform, "health").get(address).status_code == 404
