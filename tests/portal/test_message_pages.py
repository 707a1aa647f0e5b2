"""消息 in the pages: what a citizen reads of a case, how the header counts it, and what may be switched off."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.identity.domain.messages import STATUTORY
from tests.department_sdk.broker_door import wait_until
from tests.portal.browsing import CSRF, enter
from tests.portal.rig import APPLICANT, PROBLEM, Platform, World, ask_for_correction

PREFERENCES = "/messages/preferences"


@pytest.fixture
def citizen(client: FlaskClient, platform: Platform, world: World) -> FlaskClient:
    assert world.correcting
    enter(client, platform, APPLICANT)
    return client


def unread(client: FlaskClient) -> int:
    found = re.search(r"<strong>(\d+)\+?</strong>", client.get("/messages/unread").get_data(as_text=True))
    return int(found.group(1)) if found else 0


def post(client: FlaskClient, address: str, page: str, **fields: Any) -> Any:
    token = CSRF.search(client.get(page).get_data(as_text=True))
    assert token
    return client.post(address, data={"csrf_token": token.group(1), **fields})


def test_a_citizen_reads_the_one_notice_of_corrections_and_the_count_goes_down(
    citizen: FlaskClient, platform: Platform
) -> None:
    case_no = platform.apply()  # the newest, for the page shows the newest messages
    ask_for_correction(platform, case_no)

    def shown() -> str:
        return str(citizen.get("/messages").get_data(as_text=True))

    wait_until(lambda: case_no in shown() and PROBLEM in shown(), "the notice arrives")
    page = shown()
    before = unread(citizen)
    assert before > 0
    found = re.search(r'action="(/messages/[0-9a-f-]{36}/read)"', page)
    assert found
    assert post(citizen, found.group(1), "/messages", key="once").status_code == 303
    assert unread(citizen) == before - 1
    assert found.group(1) not in citizen.get("/messages").get_data(as_text=True)


def test_another_citizen_sees_none_of_it(client: FlaskClient, platform: Platform, world: World) -> None:
    enter(client, platform, "parent")
    assert world.correcting not in client.get("/messages").get_data(as_text=True)


def test_every_page_of_somebody_known_leads_to_the_messages(citizen: FlaskClient, client: FlaskClient) -> None:
    assert 'hx-get="/messages/unread"' in citizen.get("/my").get_data(as_text=True)
    client.get("/")
    assert client.application is not None
    stranger = client.application.test_client()
    assert "/messages" not in stranger.get("/").get_data(as_text=True)


def test_what_is_chosen_stands_there_afterwards(citizen: FlaskClient) -> None:
    kinds = re.findall(r'name="on" value="([^"]+)"', citizen.get(PREFERENCES).get_data(as_text=True))
    kept = [one for one in kinds if one != "closed.sms"]
    chosen = {"language": "en", "quiet_from": "22:00", "quiet_until": "07:30", "on": kept}
    saved = post(citizen, PREFERENCES, PREFERENCES, **chosen)
    assert saved.status_code == 303
    page = citizen.get(saved.location).get_data(as_text=True)
    ticked = re.findall(r'name="on" value="([^"]+)" checked', page)
    assert ticked == kept
    assert 'value="22:00"' in page
    restored = post(citizen, PREFERENCES, PREFERENCES, language="zh", on=kinds)
    assert restored.status_code == 303


def test_switching_a_statutory_notice_off_entirely_is_refused_and_said(citizen: FlaskClient) -> None:
    before = citizen.get(PREFERENCES).get_data(as_text=True)
    kinds = re.findall(r'name="on" value="([^"]+)"', before)
    kept = [one for one in kinds if not one.startswith(next(iter(STATUTORY)) + ".")]
    refused = post(citizen, PREFERENCES, PREFERENCES, language="zh", on=kept)
    assert refused.status_code == 422
    assert 'href="#f-channels"' in refused.get_data(as_text=True)
    half = post(citizen, PREFERENCES, PREFERENCES, language="zh", on=kinds, quiet_from="22:00")
    assert half.status_code == 422
    boxes = re.compile(r'name="on" value="([^"]+)" checked')
    assert boxes.findall(citizen.get(PREFERENCES).get_data(as_text=True)) == boxes.findall(before)
