"""Officers and supervisors find cases, citizens see when and why: the pages over the lists."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.portal.addresses import POLICE
from tests.portal.browsing import enter
from tests.portal.rig import APPLICANT, SUPERVISOR, Platform, World


@pytest.fixture
def room(client: FlaskClient, platform: Platform) -> Callable[[str], FlaskClient]:
    """The portal as seen by one account."""

    def entered(username: str) -> FlaskClient:
        enter(client, platform, username)
        return client

    return entered


def text(answer: TestResponse) -> str:
    return html.unescape(answer.get_data(as_text=True))


def found(page: str, where: str) -> list[str]:
    return re.findall(rf'href="/{where}/cases/([0-9A-Z]+)"', page)


def test_an_officer_finds_the_departments_cases_and_opens_the_task(
    room: Callable[[str], FlaskClient], world: World
) -> None:
    desk = room(POLICE)
    assert world.running in found(text(desk.get("/desk/cases")), "desk")
    assert world.fresh not in found(text(desk.get("/desk/cases")), "desk")  # the police have no part in it yet
    assert found(text(desk.get("/desk/cases", query_string={"case_no": world.running})), "desk") == [world.running]
    assert world.running not in found(text(desk.get("/desk/cases", query_string={"state": "closed"})), "desk")
    assert desk.get(f"/desk/cases/{world.running}").headers["Location"].startswith(f"/desk/tasks/{world.running}-")
    assert desk.get(f"/desk/cases/{world.fresh}").status_code == 404


def test_lists_are_taken_along_as_tables(room: Callable[[str], FlaskClient], world: World) -> None:
    desk = room(POLICE)
    for address in ("/desk/export", f"/desk/cases/export?case_no={world.running}"):
        answer = desk.get(address)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        assert "attachment" in answer.headers["Content-Disposition"]
        assert text(answer).startswith("\ufeff")
    assert world.running in text(desk.get(f"/desk/cases/export?case_no={world.running}"))
    assert world.fresh not in text(desk.get("/desk/cases/export"))


def test_a_supervisor_finds_any_case_by_department_and_state(room: Callable[[str], FlaskClient], world: World) -> None:
    supervision = room(SUPERVISOR)
    every = found(text(supervision.get("/supervision/cases")), "supervision")
    assert {world.fresh, world.running, world.closed} <= set(every)
    asked = {"department": "police", "state": "closed"}
    closed = found(text(supervision.get("/supervision/cases", query_string=asked)), "supervision")
    assert world.closed in closed
    assert world.running not in closed
    assert found(text(supervision.get("/supervision/cases?department=health")), "supervision") == []


def test_a_citizens_case_says_why_it_is_due_then_and_what_is_known_of_earlier_ones(
    room: Callable[[str], FlaskClient], world: World
) -> None:
    page = text(room(APPLICANT).get(f"/cases/{world.running}"))
    assert "承诺办结期限" in page
    assert "自受理起算" in page
    assert "行政许可法 §82" in page
    assert "预计什么时候办好" in page
    assert "不作估计" in page or "一半的此类办件在此日前决定" in page


def test_a_citizens_list_is_narrowed_to_a_state(room: Callable[[str], FlaskClient], world: World) -> None:
    citizen = room(APPLICANT)
    page = text(citizen.get("/my?state=withdrawn"))
    assert world.withdrawn in page
    assert world.running not in page


def test_the_guide_says_how_many_cases_were_decided(client: FlaskClient, world: World) -> None:
    assert "实际要多久" in text(client.get(f"/items/{world.item_code}"))
