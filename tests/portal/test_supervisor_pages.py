"""Electronic supervision without a browser, and the two checkers of the ledger held against each other."""

from __future__ import annotations

import base64
import copy
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from playwright.sync_api import Page

from chassis.discovery import Local, StaticDirectory
from demo.client import wait_for
from portal.app import create_portal
from portal.relying_party import RelyingParty
from portal.supervisor.trail import Names, read_trail
from tests.portal.browsing import enter, sign_in
from tests.portal.rig import PATIENCE_S, SUPERVISOR, Platform, World
from verify.ledger import verify_trail

NO_NAMES = Names({}, {}, {})


@pytest.fixture
def supervisor(client: FlaskClient, platform: Platform) -> FlaskClient:
    enter(client, platform, SUPERVISOR)
    return client


@pytest.fixture(scope="module")
def trail(platform: Platform, world: World) -> dict[str, Any]:
    told: dict[str, Any] = platform.caller(SUPERVISOR).get(f"/api/v1/trails/{world.closed}")
    return told


@pytest.fixture(scope="module")
def key(platform: Platform) -> str:
    return platform.caller().get_bytes("/api/v1/ledger/key").decode().strip()


@pytest.mark.parametrize("username", ["parent", "officer-police"])
def test_others_cannot_open_supervision(username: str, client: FlaskClient, platform: Platform, world: World) -> None:
    enter(client, platform, username)
    for place in ("", "/cards", f"/cases/{world.closed}", f"/cases/{world.closed}/proof", "/find?case_no=1"):
        assert client.get(f"/supervision{place}").headers["Location"].startswith("/sign-in")
    assert client.get("/supervision/now").status_code == 286


def test_the_board_shows_what_the_api_tells_and_renews_itself_when_that_changes(
    supervisor: FlaskClient, platform: Platform
) -> None:
    page = supervisor.get("/supervision").get_data(as_text=True)
    told = platform.caller(SUPERVISOR).get("/api/v1/board")
    assert "云溪县公安局" in page
    assert re.findall(r'href="/supervision/cases/(\w+)"', page) == [t["case_no"] for t in told["open_tasks"][:20]]
    asked = re.search(r'hx-get="([^"]+)"', page)
    assert asked
    assert supervisor.get(asked[1]).status_code == 204
    platform.apply()
    renewed = wait_for(
        "the board to change",
        lambda: next((a for a in [supervisor.get(asked[1])] if a.status_code == 200), None),
        timeout_s=PATIENCE_S,
    )
    assert "<html" not in renewed.get_data(as_text=True)


def test_a_case_shows_its_tasks_and_every_entry_with_a_tick(
    supervisor: FlaskClient, trail: dict[str, Any], world: World
) -> None:
    page = supervisor.get(f"/supervision/cases/{world.closed}").get_data(as_text=True)
    assert page.count('data-mark="tick"') == len(trail["events"])
    assert f"服务器核验：{len(trail['events'])} 条记录全部与已签名的账本相符" in page
    assert page.count("<h3>公安交管意见") == 1
    assert "准予决定" in page
    assert "账本只存它的指纹" in page, "what names a person is not kept"


def test_the_proof_is_what_the_stand_alone_checker_takes(supervisor: FlaskClient, key: str, world: World) -> None:
    answer = supervisor.get(f"/supervision/cases/{world.closed}/proof")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=trail-{world.closed}.json"
    assert verify_trail(json.loads(answer.data), key).ok
    page = supervisor.get(f"/supervision/cases/{world.closed}").get_data(as_text=True)
    assert f"python -m verify.ledger trail-{world.closed}.json --key" in page
    assert key.replace("+", "&#43;") in page or key in page


def test_a_case_is_found_by_its_number_however_it_was_typed(supervisor: FlaskClient, world: World) -> None:
    typed = f" {world.closed[:8].lower()} {world.closed[8:]} "
    found = supervisor.get("/supervision/find", query_string={"case_no": typed})
    assert found.headers["Location"] == f"/supervision/cases/{world.closed}"
    assert supervisor.get("/supervision/find?case_no=").headers["Location"] == "/supervision"


def test_a_number_of_no_case_is_said_to_be_none(supervisor: FlaskClient) -> None:
    for number in ("NOTHING", "没有"):
        answer = supervisor.get(f"/supervision/cases/{number}")
        assert answer.status_code == 404
        assert "没有此办件" in answer.get_data(as_text=True)


def test_no_cards_and_a_number_that_cannot_be_one(supervisor: FlaskClient) -> None:
    answer = supervisor.get("/supervision/cards", query_string={"case_no": "没有"})
    assert answer.status_code == 422
    assert "请核对办件号" in answer.get_data(as_text=True)
    assert "没有符合条件的亮牌记录" in supervisor.get("/supervision/cards?level=red").get_data(as_text=True)


CARD = {
    "card_no": "T9-Y-1-accept-1",
    "rule": "T9",
    "level": "yellow",
    "status": "revoked",
    "department": "police",
    "case_no": "C1",
    "task_id": "C1-accept-1",
    "due_on": "2026-03-02",
    "raised_on": "2026-03-02",
    "detail": "至最后一日仍未答复 / was still unanswered on its last day",
}


def test_cards_are_asked_for_by_the_filters_and_leafed_through() -> None:
    asked: list[dict[str, str]] = []
    api = Flask("api")
    police = {"code": "police", "name": "公安局", "name_en": "Police"}
    api.add_url_rule("/api/v1/departments", "departments", lambda: jsonify(departments=[police]))

    @api.get("/api/v1/cards")
    def cards() -> Any:
        asked.append(request.args.to_dict())
        return jsonify(cards=[CARD], next=7)

    directory = StaticDirectory({})
    directory.add("gateway", Local(api))
    relying_party = RelyingParty("http://localhost", "http://localhost", ECKey.generate_key("P-256"))
    client = create_portal(directory, b"secret of a test", relying_party, secure=False).test_client()
    with client.session_transaction() as cookie:
        cookie.update(token="t", until=time.time() + 900, name="N", kind="supervisor", department="")
    page = client.get("/supervision/cards?level=yellow&department=police&before=9").get_data(as_text=True)
    assert asked == [{"level": "yellow", "department": "police", "before": "9"}]
    assert "公安局" in page
    assert "已撤销" in page
    assert "至最后一日仍未答复" in page
    assert "unanswered" not in page
    assert "/supervision/cards?level=yellow&amp;department=police&amp;before=7" in page
    assert "was still unanswered" in client.get("/supervision/cards?lang=en").get_data(as_text=True)


def changed(trail: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    forged = copy.deepcopy(trail)
    change(forged)
    return forged


def first_kept(trail: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = next(event for event in trail["events"] if event["payload"] is not None)
    return kept


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another payload": lambda t: first_kept(t).update(payload=base64.b64encode(b'{"a":1}').decode()),
    "another salt": lambda t: first_kept(t).update(salt=base64.b64encode(bytes(32)).decode()),
    "a short salt": lambda t: first_kept(t).update(salt=base64.b64encode(bytes(31)).decode()),
    "another time": lambda t: t["events"][1].update(time="2020-01-01T00:00:00.000000Z"),
    "another leaf": lambda t: t["events"][2].update(leaf=t["events"][2]["leaf"].replace('"v":1', '"v":2')),
    "no leaf": lambda t: t["events"][2].update(leaf="{"),
    "a missing entry": lambda t: t["events"].pop(),
    "a doubled entry": lambda t: t["events"].append(t["events"][0]),
    "another order": lambda t: t["events"].reverse(),
    "a short path": lambda t: t["events"][0]["proof"].pop(),
    "a long path": lambda t: t["events"][0]["proof"].append("00" * 32),
    "another case": lambda t: t.update(case_no="C1"),
    "another checkpoint": lambda t: t.update(checkpoint=t["statement"]),
    "an unsigned checkpoint": lambda t: t.update(checkpoint=t["checkpoint"].rpartition("—")[0]),
    "another statement": lambda t: t.update(statement=t["statement"].replace(t["case_no"], "C1")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_the_page_says_which_entry_does_not_hold(forgery: str, portal: Flask, trail: dict[str, Any], key: str) -> None:
    with portal.test_request_context():
        shown = read_trail(changed(trail, FORGERIES[forgery]), key, NO_NAMES)
    assert not shown.result.ok
    crossed = [place for place, entry in enumerate(shown.entries) if entry.mark == "cross"]
    assert shown.failures or crossed
    assert all(shown.entries[place].failures for place in crossed)


def test_nothing_is_ticked_when_the_signature_is_missing(portal: Flask, trail: dict[str, Any], key: str) -> None:
    with portal.test_request_context():
        shown = read_trail(changed(trail, FORGERIES["an unsigned checkpoint"]), key, NO_NAMES)
    assert {entry.mark for entry in shown.entries} == {"unchecked"}


def as_shown(trail: dict[str, Any]) -> dict[str, Any]:
    """As the page has it: payloads as text."""

    def read(payload: str | None) -> str | None:
        return None if payload is None else base64.b64decode(payload).decode()

    return trail | {"events": [event | {"payload": read(event["payload"])} for event in trail["events"]]}


def test_the_browsers_checker_finds_what_the_stand_alone_one_finds(
    page_at: Callable[..., Page], platform: Platform, trail: dict[str, Any], key: str
) -> None:
    page = page_at("desktop")
    sign_in(page, platform, SUPERVISOR)
    check = "async ([trail, key]) => (await import('/static/ledger.js')).checkTrail(trail, key)"
    fine = page.evaluate(check, [as_shown(trail), key])
    assert fine == {"failures": [], "entries": [[] for _ in trail["events"]], "signed": True}
    for name, forge in FORGERIES.items():
        forged = changed(trail, forge)
        expected, found = verify_trail(forged, key), page.evaluate(check, [as_shown(forged), key])
        assert not expected.ok
        told = [*found["failures"], *(f for entry in found["entries"] or [] for f in entry)]
        assert told, name
        named = {re.sub(r"^event \d+: ", "", failure) for failure in expected.failures}
        assert {f for f in named if not re.match(r"\w+: ", f)} <= set(told), name
    other = page.evaluate(check, [as_shown(trail), key[:-4] + "AAA="])
    assert other["entries"] is None
