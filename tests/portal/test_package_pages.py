"""一件事 and 预约 in the pages, and what the API says of them afterwards."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page

from demo.applications import paper
from demo.client import ApiError
from portal.kept import _SHELF
from portal.officer import appointments as counter
from portal.words import china_now
from tests.portal import packaged, procedures
from tests.portal.browsing import CSRF, enter, faults, in_english, sign_in
from tests.portal.rig import APPLICANT, Platform
from tests.portal.texts import chinese_in

CODE = "11339999YX0000016U4000105991000"
VENUE = {
    "name": "云溪县政务服务中心",
    "name_en": "Yunxi County Government Service Centre",
    "address": "云溪县政务服务中心一楼",
    "address_en": "Ground floor, Yunxi County Government Service Centre",
    "hours": [{"weekdays": [1, 2, 3, 4, 5], "opens": "09:00", "closes": "17:00"}],
}
SHUTTLE = {"item_code": CODE, "basic_code": "000105991000", "appointments": True, "venues": [VENUE]}
LEAD, POLICE = "officer-education", "officer-police"
PACKAGE, SHORT_LIVED = "bus_and_shuttle", "short_lived"
SAID = ["教育局经办人", "周敏", "停电", "中文"]
"""What is Chinese in English pages: names, and what people wrote."""
OTHERWISE = "受过处罚的，三年内不予许可。"
As = Callable[[str], FlaskClient]


@pytest.fixture(scope="module", autouse=True)
def _published(platform: Platform, portal: Flask) -> Iterator[None]:
    with procedures.published(platform, **SHUTTLE):
        administrator = platform.caller("administrator")
        parts = ({"item_code": platform.item["item_code"]}, {"item_code": CODE})
        for code in (PACKAGE, SHORT_LIVED):
            words = {"name": "接送一件事", "name_en": "Taking children to school", "questions": {}, "life_events": []}
            administrator.post("/api/v1/packages", packaged.definition(code, *parts, **words))
        packaged.draft_of(platform.caller(APPLICANT), SHORT_LIVED)
        portal.extensions.pop(_SHELF, None)  # what it kept from tests before these
        yield
        administrator.post(f"/api/v1/packages/{PACKAGE}/retirement", {"reason": "The test is over."})


@pytest.fixture
def signed_in(portal: Flask, platform: Platform) -> As:
    """A client of its own for each account."""
    known: dict[str, FlaskClient] = {}

    def client(username: str) -> FlaskClient:
        if username not in known:
            known[username] = portal.test_client()
            enter(known[username], platform, username)
        return known[username]

    return client


def post(client: FlaskClient, page: str, to: str = "", **fields: Any) -> Any:
    """Send a form of ``page``, to another address if ``to`` is given."""
    found = CSRF.search(client.get(page).get_data(as_text=True))
    assert found
    return client.post(to or page, data={"csrf_token": found[1], **fields})


def file() -> dict[str, Any]:
    return {"file": (io.BytesIO(paper("a")), "a.pdf", "application/pdf")}


def fields_of(platform: Platform) -> dict[str, str]:
    form = platform.item["form_schema"]["examples"][0]
    return {name: "\n".join(value) if isinstance(value, list) else str(value) for name, value in form.items()}


def upload_all(client: FlaskClient, draft: str) -> list[str]:
    """Every material that the page asks for and that is not there yet; their codes."""
    page = client.get(f"{draft}/materials").text
    asked = re.findall(r'<article id="m-(\w+)">.*?</h2>', page, re.DOTALL)
    for code in asked:
        sent = post(client, f"{draft}/materials", f"{draft}/materials/{code}", **file())
        assert sent.status_code == 303, sent.text
    return asked


def submitted(client: FlaskClient, draft: str) -> str:
    sent = post(client, f"{draft}/review", declared="true", delivery_way="electronic")
    assert sent.status_code == 303, sent.text
    return str(sent.location.split("/")[2].partition("?")[0])


def bundle_of(platform: Platform, bundle_no: str) -> dict[str, Any]:
    found: dict[str, Any] = platform.caller(APPLICANT).get(f"/api/v1/bundles/{bundle_no}")
    return found


def test_an_item_for_which_one_does_not_qualify_is_left_out_with_its_reason(signed_in: As, platform: Platform) -> None:
    citizen, caller, address = signed_in(APPLICANT), platform.caller(APPLICANT), f"/packages/{PACKAGE}/apply"
    drafts = caller.get(f"/api/v1/packages/{PACKAGE}/drafts")
    unanswered = post(citizen, address, eligible="true")
    assert (unanswered.status_code, "请回答：近三年是否受过处罚？" in unanswered.text) == (422, True)
    fined = {"eligible": "true", "eligible-q1": "yes"}
    refused = post(citizen, address, **fined)
    assert (refused.status_code, OTHERWISE in refused.text, 'name="leave_out"' in refused.text) == (422, True, True)
    assert caller.get(f"/api/v1/packages/{PACKAGE}/drafts") == drafts
    begun = post(citizen, address, leave_out="true", **fined)
    draft = begun.location.rpartition("/")[0]
    kept = caller.get(f"/api/v1/drafts/{draft.rpartition('/')[2]}")
    assert kept["choices"] == {"by_item": {CODE: {"eligibility": {"convicted": True}, "left_out": True}}}
    assert OTHERWISE in citizen.get(f"{draft}/form").text
    assert post(citizen, f"{draft}/form", **fields_of(platform)).location == f"{draft}/materials"
    assert set(upload_all(citizen, draft)) == {rule["code"] for rule in platform.item["materials"]}
    found = bundle_of(platform, submitted(citizen, draft))
    assert [case["item_code"] for case in found["cases"]] == [platform.item["item_code"]]
    assert [(one["item_code"], one["item_name"]) for one in found["left_out"]] == [(CODE, "接送车辆许可")]
    page = citizen.get(f"/bundles/{found['bundle_no']}").text
    assert ("接送车辆许可" in page, OTHERWISE in page) == (True, True)
    assert f"/bundles/{found['bundle_no']}" in citizen.get("/my").text


def test_one_form_and_each_material_once_become_both_cases_and_one_correction_serves_both(
    signed_in: As, platform: Platform
) -> None:
    citizen, caller = signed_in(APPLICANT), platform.caller(APPLICANT)
    draft_id = packaged.draft_of(caller, PACKAGE)
    draft, again = f"/drafts/{draft_id}", f"/packages/{PACKAGE}/apply?draft={draft_id}"
    sent = post(citizen, again, f"/packages/{PACKAGE}/apply", draft=draft_id, eligible="true", **{"eligible-q1": "no"})
    assert sent.location == f"{draft}/form"
    assert 'value="no" checked' in citizen.get(again).text
    post(citizen, f"{draft}/form", **fields_of(platform))
    page = citizen.get(f"{draft}/materials").text
    assert "用于：校车使用许可、接送车辆许可" in page
    post(citizen, f"{draft}/materials", f"{draft}/commitment", item=CODE, commitment="true")
    assert caller.get(f"/api/v1/drafts/{draft_id}")["choices"]["by_item"][CODE]["commitment"] is True
    upload_all(citizen, draft)
    bundle_no = submitted(citizen, draft)
    assert post(citizen, "/my", f"{draft}/review").location == "/my"  # a second click finds nothing to do
    cases = [case["case_no"] for case in bundle_of(platform, bundle_no)["cases"]]
    assert [case_no[:31] for case_no in cases] == [platform.item["item_code"], CODE]
    assert [platform.case(case_no)["mode"] for case_no in cases] == ["ordinary", "commitment"]
    for case_no in cases:
        defects = [{"material_code": "liability_insurance", "problem": f"{case_no} 缺页"}]
        platform.answer(case_no, "accept", "correction_needed", defects=defects)
    page = citizen.get(f"/bundles/{bundle_no}").text
    assert f"/bundles/{bundle_no}/correction" in page
    correction = f"/bundles/{bundle_no}/correction"
    nothing = post(citizen, correction)
    assert (nothing.status_code, "请至少选择一个文件" in nothing.text) == (422, True)
    asked = citizen.get(correction).text
    assert [f"{case_no} 缺页" in asked for case_no in cases] == [True, True]
    assert asked.count('type="file"') == 1
    code = bundle_of(platform, bundle_no)["notices"][0]["material_code"]
    corrected = post(citizen, correction, **{code: (io.BytesIO(paper("b")), "b.pdf", "application/pdf")})
    assert corrected.location == f"/bundles/{bundle_no}", corrected.text
    assert {platform.case(case_no)["state"] for case_no in cases} == {"received"}
    unsaid = post(citizen, f"/bundles/{bundle_no}/withdrawal")
    assert (unsaid.status_code, "请填写撤回原因" in unsaid.text) == (422, True)
    post(citizen, f"/bundles/{bundle_no}/withdrawal", reason="不办了")
    assert {platform.case(case_no)["state"] for case_no in cases} == {"withdrawn"}


def test_a_counter_takes_a_package_in_for_who_is_there(signed_in: As, platform: Platform) -> None:
    officer, address = signed_in(POLICE), f"/desk/window/packages/{PACKAGE}"
    assert address in officer.get("/desk/window?q=接送").text
    page = post(officer, address, stage="find", person_name="林晓芸", number="330000198807230046").text
    applicant_id = re.findall(r'name="applicant_id" value="([^"]+)"', page)
    assert applicant_id, page
    files = {
        f"m-{code}": (io.BytesIO(paper(code)), "a.pdf", "application/pdf")
        for code in re.findall(r'type="file" id="f-m-(\w+)"', page)
    }
    said = {"stage": "hand_in", "applicant_id": applicant_id[0], "applicant_name": "林晓芸"} | fields_of(platform)
    said |= {"delivery_way": "electronic", "identity_seen": "true", "eligible-q1": "yes"}
    refused = post(officer, address, **said)
    assert (refused.status_code, OTHERWISE in refused.text, 'name="leave_out"' in refused.text) == (422, True, True)
    taken = post(officer, address, leave_out="true", **said, **files)
    assert taken.location == "/desk/window", taken.text
    number = re.search(r"YJS\d+", officer.get("/desk/window").text)
    assert number
    found = platform.caller("parent").get(f"/api/v1/bundles/{number[0]}")
    assert [case["item_code"] for case in found["cases"]] == [platform.item["item_code"]]
    assert found["left_out"][0]["item_code"] == CODE


def test_drafts_of_a_retired_package_say_so_and_nobody_begins_another(signed_in: As, platform: Platform) -> None:
    citizen, caller = signed_in(APPLICANT), platform.caller(APPLICANT)
    draft_id = packaged.draft_of(caller, SHORT_LIVED)
    platform.caller("administrator").post(f"/api/v1/packages/{SHORT_LIVED}/retirement", {"reason": "由新版取代"})
    packaged.wait_for("the news", lambda: caller.get(f"/api/v1/drafts/{draft_id}")["retired_on"], timeout_s=60)
    for address in (f"/drafts/{draft_id}/form", f"/packages/{SHORT_LIVED}", f"/packages/{SHORT_LIVED}/apply"):
        assert "由新版取代" in citizen.get(address).text, address
    assert SHORT_LIVED not in [one["package_code"] for one in caller.get("/api/v1/packages")["packages"]]
    assert citizen.post(f"/packages/{SHORT_LIVED}/apply").status_code == 400  # without the form's token
    with pytest.raises(ApiError, match="package_retired"):
        caller.post(f"/api/v1/packages/{SHORT_LIVED}/drafts", None)


def test_times_are_offered_booked_moved_cancelled_closed_and_opened_again(
    signed_in: As, platform: Platform, page_at: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, citizen, caller = signed_in(LEAD), signed_in(APPLICANT), platform.caller(APPLICANT)
    day = (china_now() + timedelta(days=12)).date().isoformat()
    offer = {"item": CODE, "venue": "一号窗口", "from_on": day, "until_on": day, "extra_days": day, "opens": "09:00"}
    assert post(lead, "/desk/appointments/new", **offer).status_code == 422
    offer |= {"closes": "10:00", "minutes": "30", "capacity": "1"}
    elsewhere = post(lead, "/desk/appointments/new", **offer | {"item": platform.item["item_code"]})
    assert (elsewhere.status_code, "本事项不办理预约" in elsewhere.text) == (409, True)
    assert post(lead, "/desk/appointments/new", **offer).status_code == 303
    slots = caller.get(f"/api/v1/appointment-slots?item_code={CODE}")["slots"]
    assert [slot["opens"] for slot in slots] == ["09:00", "09:30"]

    choose = f"/appointments/new/{CODE}"
    assert choose in citizen.get(f"/items/{CODE}").text
    assert post(citizen, choose).status_code == 422
    assert post(citizen, choose, slot_id=slots[0]["slot_id"]).location == "/appointments"
    [mine] = [one for one in caller.get("/api/v1/appointments")["appointments"] if one["state"] == "booked"]
    assert mine["number"] in citizen.get("/appointments").text
    twice = post(citizen, choose, slot_id=slots[1]["slot_id"])
    assert (twice.status_code, "已有预约" in twice.text) == (409, True)
    own = f"/appointments/{mine['appointment_id']}"
    moving = citizen.get(f"{own}/rescheduling?day={day}").text
    assert "已约满：09:00–09:30" in moving
    assert post(citizen, f"{own}/rescheduling", slot_id=slots[1]["slot_id"]).location == "/appointments"

    desk = f"/desk/appointments?day={day}"
    shown = lead.get(desk).text
    assert (mine["number"] in shown, "当日登记" in shown, "已约 1，共 1 个号" in shown) == (True, True, True)
    assert mine["number"] not in signed_in(POLICE).get(desk).text
    monkeypatch.setattr(counter, "china_now", lambda: china_now() + timedelta(days=12))
    assert 'value="no_show"' in lead.get(desk).text
    early = post(lead, desk, f"/desk/appointments/{mine['appointment_id']}/attendance", state="served", day=day)
    assert (early.status_code, "不能这样登记" in early.text) == (409, True)
    closing = f"/desk/slots/{slots[0]['slot_id']}"
    assert post(lead, desk, f"{closing}/closure", day=day).status_code == 422
    assert post(lead, desk, f"{closing}/closure", day=day, reason="停电").location == desk
    assert "停电" in lead.get(desk).text

    look_at(page_at, platform, LEAD, [desk, "/desk/appointments/new"])
    look_at(page_at, platform, APPLICANT, [choose, f"{own}/rescheduling", f"{own}/cancellation", "/appointments"])

    assert post(lead, desk, f"{closing}/reopening", day=day).location == desk
    assert "号源已恢复" in lead.get(desk).text
    assert post(citizen, f"{own}/cancellation", reason="有事").location == "/appointments"
    freed = caller.get(f"/api/v1/appointment-slots?item_code={CODE}")["slots"]
    assert [slot["free"] for slot in freed] == [1, 1]
    post(citizen, choose, slot_id=slots[0]["slot_id"])
    assert post(lead, desk, f"{closing}/closure", day=day, reason="停电").location == desk
    packaged.wait_for("the message", lambda: "停电" in citizen.get("/messages").text, timeout_s=60)
    assert 'href="/appointments">我的预约' in citizen.get("/messages").text
    assert citizen.get("/appointments/01a21733-3fc3-75ea-97b3-f86e7f7ece11/cancellation").status_code == 404


def look_at(page_at: Callable[..., Page], platform: Platform, username: str, addresses: list[str]) -> None:
    """What axe finds on a phone, and that the English pages are English."""
    page = page_at("phone")
    sign_in(page, platform, username)
    in_english(page)
    for address in addresses:
        page.goto(address)
        assert faults(page) == [], address
        assert chinese_in(page.content(), SAID) == [], address
