"""办理身份: offered in one browser, accepted in another, used, and ended."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal import acting
from portal.api import Problem
from portal.words import china_now, refusal
from tests.portal.browsing import CSRF, enter
from tests.portal.rig import APPLICANT, PARENT, Platform, World

NUMBER = "330000198807230046"  # of the demonstration's parent


def post(client: FlaskClient, address: str, **fields: Any) -> Any:
    found = CSRF.search(client.get("/acting").get_data(as_text=True))
    assert found
    return client.post(address, data={"csrf_token": found.group(1), **fields})


def text(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True)


@pytest.fixture
def school(portal: Flask, platform: Platform) -> FlaskClient:
    client = portal.test_client()
    enter(client, platform, APPLICANT)
    return client


@pytest.fixture
def parent(portal: Flask, platform: Platform) -> FlaskClient:
    client = portal.test_client()
    enter(client, platform, PARENT)
    return client


def offer(school: FlaskClient, **change: Any) -> Any:
    today = china_now().date()
    fields = {
        "name": "林晓芸",
        "identity_number": NUMBER,
        "actions": ["read"],
        "from_on": today.isoformat(),
        "until_on": (today + timedelta(days=1)).isoformat(),
    }
    return post(school, "/acting/offers", **(fields | change))


def button(page: str, verb: str) -> str:
    """Address that the newest of these buttons posts to."""
    found = re.search(rf'action="(/acting/[0-9a-f-]+/{verb})"', page)
    assert found
    return found.group(1)


def test_an_agent_sees_the_schools_cases_under_its_name_until_the_school_ends_it(
    school: FlaskClient, parent: FlaskClient, world: World
) -> None:
    assert world.running not in text(parent, "/my")
    assert offer(school).status_code == 303
    assert post(parent, button(text(parent, "/acting"), "acceptance")).status_code == 303
    begun = post(parent, button(text(parent, "/acting"), "start"))
    assert (begun.status_code, begun.headers["Location"]) == (303, "/my")
    page = text(parent, "/my")
    assert world.running in page
    assert "代 云溪县第一小学 办理" in page
    assert post(school, button(text(school, "/acting"), "revocation")).status_code == 303
    acting._kept.clear()  # the token that is out runs out
    ended = parent.get("/my")
    assert ended.status_code == 403
    assert "委托" in ended.get_data(as_text=True)
    own = text(parent, "/my")
    assert world.running not in own
    assert "办理</a>" not in own


def test_one_acts_for_oneself_again_at_once(school: FlaskClient, parent: FlaskClient, world: World) -> None:
    offer(school)
    post(parent, button(text(parent, "/acting"), "acceptance"))
    post(parent, button(text(parent, "/acting"), "start"))
    assert world.running in text(parent, "/my")
    assert post(parent, "/acting/stop").status_code == 303
    assert world.running not in text(parent, "/my")
    post(parent, button(text(parent, "/acting"), "revocation"))


def test_an_offer_that_does_not_fit_is_shown_with_what_is_wrong(school: FlaskClient) -> None:
    before = text(school, "/acting").count("<li>")
    for change, wrong in (
        ({"identity_number": NUMBER[:-1] + "0"}, "f-identity_number"),
        ({"actions": []}, "f-actions"),
        ({"until_on": ""}, "f-until_on"),
        ({"until_on": "2020-01-01"}, "f-name"),
    ):
        answer = offer(school, **change)
        assert answer.status_code == 422
        assert f'href="#{wrong}"' in answer.get_data(as_text=True)
    assert text(school, "/acting").count("<li>") == before


def test_whose_identity_is_not_sure_enough_is_told_what_to_do(portal: Flask) -> None:
    facts = {"how_to_raise": "请到窗口 / go to a counter"}
    with portal.test_request_context("/?lang=en"):
        said = refusal(Problem(403, "level_too_low", "需实名等级 5 / level 5 is needed", facts))
    assert said == "level 5 is needed go to a counter"
