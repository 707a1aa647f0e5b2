"""容缺、告知承诺、特别程序、延期、改派、双人签署、窗口收件 in the pages, and what the API says of them afterwards."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, render_template
from flask.testing import FlaskClient
from playwright.sync_api import Page

from demo.applications import paper
from demo.client import wait_for
from portal.words import china_now
from tests.portal import procedures
from tests.portal.browsing import CSRF, enter, faults, sign_in
from tests.portal.procedures import CODE
from tests.portal.rig import APPLICANT, PATIENCE_S, Platform, World
from tests.portal.texts import chinese_in

KEY = re.compile(r'name="key" value="([^"]+)"')
LEAD, SECOND, POLICE = "officer-education", "decider-education", "officer-police"
As = Callable[[str], FlaskClient]


@pytest.fixture(scope="module", autouse=True)
def _published(platform: Platform) -> Iterator[None]:
    with procedures.published(platform):
        yield


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
    """Send a form of ``page``, to another address if ``to`` is given, with a key of its own."""
    found = CSRF.search(client.get(page).get_data(as_text=True))
    assert found
    return client.post(to or page, data={"csrf_token": found[1], **fields})


def new_case(platform: Platform, *steps: str, **changes: Any) -> str:
    """A case of the item, so far along its plan."""
    body = procedures.application(platform, **changes)
    case_no = str(platform.caller(APPLICANT).post("/api/v1/cases", body)["case_no"])
    platform.advance(case_no, *steps)
    return case_no


def test_who_does_not_qualify_is_told_why_and_does_not_go_on(signed_in: As, platform: Platform) -> None:
    citizen, address = signed_in(APPLICANT), f"/apply/{CODE}"
    drafts = platform.caller(APPLICANT).get("/api/v1/drafts")
    unanswered = post(citizen, address, eligible="true")
    assert (unanswered.status_code, "请回答：近三年是否受过处罚？" in unanswered.text) == (422, True)
    refused = post(citizen, address, eligible="true", **{"eligible-convicted": "yes"})
    assert (refused.status_code, "受过处罚的，三年内不予许可。" in refused.text) == (422, True)
    assert platform.caller(APPLICANT).get("/api/v1/drafts") == drafts


def test_one_applies_with_conditions_promises_commitment_and_post(signed_in: As, platform: Platform) -> None:
    citizen, caller = signed_in(APPLICANT), platform.caller(APPLICANT)
    begun = post(citizen, f"/apply/{CODE}", eligible="true", **{"eligible-convicted": "no"})
    draft = begun.location.rpartition("/")[0]
    draft_id = draft.rpartition("/")[2]
    form = platform.item["form_schema"]["examples"][0] | {"operator_kind": "provider"}
    fields = {name: "\n".join(value) if isinstance(value, list) else str(value) for name, value in form.items()}
    post(citizen, f"{draft}/form", **fields)
    assert 'id="m-safety_agreement"' in citizen.get(f"{draft}/materials").text, "a provider needs the agreement"
    post(citizen, f"{draft}/form", **fields | {"operator_kind": "school"})
    page = citizen.get(f"{draft}/materials").text
    assert 'id="m-safety_agreement"' not in page
    assert "学校自己运行的无需提交。" in page
    file: dict[str, Any] = {"file": (io.BytesIO(paper("a")), "a.pdf", "application/pdf")}
    post(citizen, f"{draft}/materials", f"{draft}/materials/application", **file)
    missing = post(citizen, f"{draft}/materials")
    assert missing.status_code == 422
    assert missing.text.count("缺少必要材料") == 4, "two materials, each above and beside the field"
    post(citizen, f"{draft}/materials", f"{draft}/materials/liability_insurance/promise", later="true")
    post(citizen, f"{draft}/materials", f"{draft}/materials/application/promise", later="true")
    post(citizen, f"{draft}/materials", f"{draft}/commitment", commitment="true")
    choices = caller.get(f"/api/v1/drafts/{draft_id}")["choices"]
    assert choices == {"eligibility": {"convicted": False}, "later": ["liability_insurance"], "commitment": True}
    assert post(citizen, f"{draft}/materials").location == f"{draft}/review"
    nowhere = post(citizen, f"{draft}/review", declared="true", delivery_way="post")
    assert (nowhere.status_code, "邮寄请填写收件地址" in nowhere.text) == (422, True)
    sent = post(citizen, f"{draft}/review", declared="true", delivery_way="post", delivery_address="学府路 1 号 周敏")
    assert sent.status_code == 303, sent.text
    case = platform.case(sent.location.split("/")[2])
    assert (case["mode"], case["delivery_way"], case["delivery"]) == (
        "commitment",
        "post",
        {"address": "学府路 1 号 周敏"},
    )
    assert {promise["material_code"]: promise["kind"] for promise in case["promises"]} == {
        "safety_rules": "commitment",
        "liability_insurance": "deferred",
    }


def test_what_was_promised_is_owed_on_the_page_and_made_up_there(signed_in: As, platform: Platform) -> None:
    case_no = new_case(platform, "accept", codes=("application", "safety_rules"), later=["liability_insurance"])
    citizen, address = signed_in(APPLICANT), f"/cases/{case_no}"
    assert "您还要补交承诺后补的材料" in citizen.get(address).text
    nothing = post(citizen, f"{address}/supplement")
    assert (nothing.status_code, "请至少选择一个文件" in nothing.text) == (422, True)
    file: dict[str, Any] = {"liability_insurance": (io.BytesIO(paper("b")), "b.pdf", "application/pdf")}
    assert post(citizen, f"{address}/supplement", **file).location == address
    assert platform.case(case_no)["promises"][0]["kept_on"]
    assert "您还要补交承诺后补的材料" not in citizen.get(address).text


def test_the_lead_stops_the_clock_extends_and_the_applicant_reads_why(signed_in: As, platform: Platform) -> None:
    case_no = new_case(platform, "accept")
    lead, citizen = signed_in(LEAD), signed_in(APPLICANT)
    address = f"/desk/cases/{case_no}/conduct"
    assert address in lead.get(f"/desk/tasks/{case_no}-accept-1").text
    procedure = {"procedure": "review", "unit": "working_day", "procedure_reason": "论证线路"}
    before = platform.case(case_no)
    too_long = post(lead, address, f"{address}/special-procedure", amount="200", **procedure)
    assert (too_long.status_code, "超过办事指南规定的最长时间" in too_long.text) == (422, True)
    assert platform.case(case_no) == before
    assert post(lead, address, f"{address}/special-procedure", amount="5", **procedure).status_code == 303
    assert platform.case(case_no)["state"] == "special_procedure"
    assert "论证线路" in citizen.get(f"/cases/{case_no}").text
    post(lead, address, f"{address}/special-procedure/end", end_reason="评审通过")
    approval = {"extension_reason": "需要实地查看", "approved_by": "周局长", "rank": "agency_head"}
    assert post(lead, address, f"{address}/extension", **approval).status_code == 303
    again = post(lead, address, f"{address}/extension", **approval)
    assert (again.status_code, "本件已延长过一次" in again.text) == (409, True)
    page = citizen.get(f"/cases/{case_no}").text
    for said in ("办理期限已延长一次", "需要实地查看", "特别程序：专家评审"):
        assert said in page


def test_another_department_does_not_conduct_the_case(signed_in: As, platform: Platform) -> None:
    case_no = new_case(platform, "accept")
    before = platform.case(case_no)
    police, address = signed_in(POLICE), f"/desk/cases/{case_no}/conduct"
    assert address not in police.get(f"/desk/tasks/{case_no}-police_opinion-1").text
    assert police.get(address).status_code == 404
    ended = post(police, "/desk", f"{address}/termination", termination_reason="x", sure="true")
    assert ended.status_code == 404
    assert platform.case(case_no) == before


def test_a_task_is_given_to_a_colleague_and_to_another_department(signed_in: As, platform: Platform) -> None:
    case_no = new_case(platform)
    lead, address = signed_in(LEAD), f"/desk/cases/{case_no}/conduct"
    found = re.search(r'<option value="officer:([^"]+)" ?>教育局审批人', lead.get(address).text)
    assert found
    task = f"{case_no}-accept-1"
    given = {f"to-{task}": f"officer:{found[1]}", f"reassign_reason-{task}": "分工调整"}
    assert post(lead, address, f"{address}/tasks/{task}", **given).status_code == 303
    mine = f"/desk/tasks/{task}"
    assert "已指派给指定经办人" in lead.get(mine).text
    refused = post(lead, mine, verdict="agree", stage="send", key="other-officer")
    assert (refused.status_code, "该任务已改派给指定的经办人" in refused.text) == (403, True)
    assert post(signed_in(SECOND), mine, verdict="agree", stage="send", key="named-officer").status_code == 303
    task = f"{case_no}-police_opinion-1"
    given = {f"to-{task}": "department:transport", f"reassign_reason-{task}": "辖区调整"}
    assert post(lead, address, f"{address}/tasks/{task}", **given).status_code == 303
    assert platform.case(case_no)["tasks"][-1]["department"] == "transport"
    assert post(lead, address, f"{address}/termination", termination_reason="单位注销").status_code == 422
    assert platform.case(case_no)["state"] == "under_examination"
    post(lead, address, f"{address}/termination", termination_reason="单位注销", sure="true")
    assert platform.case(case_no)["state"] == "terminated"
    assert "单位注销" in signed_in(APPLICANT).get(f"/cases/{case_no}").text


def test_two_officers_sign_and_conditions_reach_the_applicant(signed_in: As, platform: Platform) -> None:
    case_no = new_case(platform, "accept")
    police = f"/desk/tasks/{case_no}-police_opinion-1"
    checked = post(signed_in(POLICE), police, verdict="agree", stage="check", key="k-1", conditions="限速四十公里\n\n")
    assert "限速四十公里" in checked.text
    post(signed_in(POLICE), police, verdict="agree", stage="send", key="k-2", conditions="限速四十公里")
    lead, address = signed_in(LEAD), f"/desk/tasks/{case_no}-examine-1"
    said = {"verdict": "agree", "reason": "符合"}
    checked = post(lead, address, stage="check", key="k-3", **said)
    assert "本环节须 2 名经办人签署" in checked.text
    first = post(lead, address, stage="send", key="k-4", **said)
    assert "您的签署已记录" in lead.get(first.location).text
    twice = post(lead, address, stage="send", key="k-5", **said)
    assert (twice.status_code, "须由另一名经办人签署" in twice.text) == (409, True)
    post(signed_in(SECOND), address, stage="send", key="k-6", **said)
    examined = next(task for task in platform.case(case_no)["tasks"] if task["step"] == "examine")
    assert [one["officer"] for one in examined["signatures"]] == ["教育局经办人", "教育局审批人"]
    platform.answer(case_no, "decide")
    page = signed_in(APPLICANT).get(f"/cases/{case_no}").text
    assert "准予附有以下条件" in page
    assert page.count("限速四十公里") == 2, "with the department's answer and with the decision"


def test_the_result_goes_by_post_and_the_applicant_follows_it(signed_in: As, platform: Platform) -> None:
    case_no = new_case(platform, "accept", "police_opinion", delivery_way="post", delivery_address="学府路 1 号")
    platform.answer(case_no, "examine")
    task = f"/api/v1/tasks/{case_no}-examine-1/opinion"
    platform.caller(SECOND).post(task, {"verdict": "agree", "reason": "OK"})
    platform.answer(case_no, "decide")
    wait_for("the licence", lambda: platform.case(case_no)["licence_no"], timeout_s=PATIENCE_S)
    lead, address = signed_in(LEAD), f"/desk/cases/{case_no}/conduct"
    assert "学府路 1 号" in lead.get(address).text
    posted = {"way": "post", "courier": "邮政", "tracking_no": "EA123"}
    assert post(lead, address, f"{address}/handover", **posted).status_code == 303
    assert platform.case(case_no)["state"] == "approved"
    assert "EA123" in signed_in(APPLICANT).get(f"/cases/{case_no}").text
    unsigned = post(lead, address, f"{address}/delivery", shipment_state="delivered")
    assert unsigned.status_code == 422
    assert platform.case(case_no)["delivered_at"] is None
    received = {"shipment_state": "delivered", "signed_by": "周敏"}
    assert post(lead, address, f"{address}/delivery", **received).status_code == 303
    assert platform.case(case_no)["state"] == "closed"
    assert "签收人 周敏" in signed_in(APPLICANT).get(f"/cases/{case_no}").text


def test_an_officer_takes_in_for_the_person_at_the_counter(signed_in: As, platform: Platform) -> None:
    lead, address = signed_in(LEAD), f"/desk/window/{CODE}"
    stranger = post(lead, address, stage="find", person_name="周敏", number="330000198807230046")
    assert (stranger.status_code, "没有与姓名和号码都相符的当事人" in stranger.text) == (422, True)
    found = post(lead, address, stage="find", person_name="云溪县第一小学", number="12339999YX00010199")
    applicant = re.search(r'name="applicant_id" value="([^"]+)"', found.text)
    assert applicant
    assert "330000" not in found.text
    form = platform.item["form_schema"]["examples"][0]
    fields = {name: "\n".join(value) if isinstance(value, list) else str(value) for name, value in form.items()}
    who = {"stage": "hand_in", "applicant_id": applicant[1], "applicant_name": "云溪县第一小学", "key": "counter-1"}
    files: dict[str, Any] = {
        f"m-{code}": (io.BytesIO(paper(code)), f"{code}.pdf", "application/pdf") for code in ("application",)
    }
    chosen = {"later": "liability_insurance", "delivery_way": "electronic", "eligible-convicted": "no"}
    half = post(lead, address, **who, **fields, **chosen, **files)
    assert half.status_code == 422
    assert half.text.count("缺少必要材料：班车安全管理制度") == 2
    receipt = re.search(r'name="receipt-application" value="([^"]+)"', half.text)
    assert receipt, "the file that came is not asked for again"
    kept = {"receipt-application": receipt[1], "commitment": "true", "identity_seen": "true"}
    taken = post(lead, address, **who, **fields, **chosen, **kept)
    assert taken.status_code == 303, taken.text
    told = lead.get(taken.location).text
    shown = re.search(r"已收件：([0-9A-Z]+)", told)
    assert shown
    assert "云溪县第一小学" in told
    assert "教育局经办人" in told
    case = platform.case(shown[1])
    assert (case["channel"], case["agent_name"], case["applicant_name"]) == ("window", "教育局经办人", "云溪县第一小学")
    assert {material["code"] for material in case["materials"]} == {"application"}
    material = signed_in(APPLICANT).get(f"/materials/{case['materials'][0]['material_id']}")
    assert material.status_code == 200, "it belongs to the applicant"


def moved(before: str, after: str, why: str = "", rule: str = "") -> dict[str, Any]:
    """A move that the platform makes by itself."""
    return {
        "before": before,
        "after": after,
        "at": "2026-03-02T08:00:00+08:00",
        "by": "system",
        "why": why,
        "rule": rule,
    }


BY_LAW = (
    ("under_examination", moved("received", "under_examination"), "依法视为受理", "counts as accepted"),
    ("closed", moved("under_examination", "approved", rule="行政许可法 §50"), "视为准予延续", "renewal counts as"),
    ("deemed_withdrawn", moved("awaiting_correction", "deemed_withdrawn"), "依法视为您撤回", "counts as withdrawn"),
    ("revoked", moved("delivered", "revoked", "No rules."), "六十日内申请行政复议", "Within sixty days"),
    ("terminated", moved("under_examination", "terminated", "It was dissolved."), "dissolved.", "was terminated"),
    ("delivered", moved("approved", "delivered"), "承诺还要核查", "still to be checked"),
)


def test_what_the_law_does_by_itself_is_explained(portal: Flask, platform: Platform, world: World) -> None:
    case = platform.case(world.running)
    for state, move, chinese, english in BY_LAW:
        shown: dict[str, Any] = {"case": case | {"state": state, "timeline": [move]}, "item": platform.item}
        shown |= {"departments": {}, "story": [], "names": {}, "final": False}
        for address, said in (("/", chinese), ("/?lang=en", english)):
            with portal.test_request_context(address):
                assert said in render_template("citizen/_live.html", **shown), (state, address)


def _publish(platform: Platform, administrator: FlaskClient, definition: dict[str, Any]) -> None:
    """Written by one officer, reviewed by another, published by the administrator in the pages."""
    author, second = platform.caller(LEAD), platform.caller(SECOND)
    address = f"item-drafts/{author.post('/api/v1/item-drafts', {'definition': definition})['draft_id']}"
    sent = author.post(f"/api/v1/{address}/submission", {"revision": 1})
    second.post(f"/api/v1/{address}/review", {"revision": sent["revision"], "verdict": "approve", "why": "OK"})
    page = f"/catalogue/drafts/{address.rpartition('/')[2]}"
    assert post(administrator, page, f"{page}/publication", key="publish-1").status_code == 303
    assert "已发布" in administrator.get(page).text


def test_pages_of_a_procedure_are_english_in_english(signed_in: As, platform: Platform) -> None:
    case_no = new_case(platform, "accept", codes=("application", "safety_rules"), later=["liability_insurance"])
    lead, citizen = signed_in(LEAD), signed_in(APPLICANT)
    conduct = f"/desk/cases/{case_no}/conduct"
    procedure = {"procedure": "review", "amount": "5", "unit": "working_day", "procedure_reason": "Experts look."}
    post(lead, conduct, f"{conduct}/special-procedure", **procedure)
    assert "特别程序已开始" in lead.get(conduct).text
    draft_id = platform.caller(APPLICANT).post("/api/v1/drafts", {"item_code": CODE})["draft_id"]
    names = sorted({*_names(platform), *_form(platform)}, key=len, reverse=True)
    for client, pages in (
        (citizen, (f"/apply/{CODE}", f"/cases/{case_no}", f"/cases/{case_no}/supplement")),
        (citizen, tuple(f"/drafts/{draft_id}/{page}" for page in ("materials", "review"))),
        (lead, (conduct, f"/desk/window/{CODE}", f"/desk/tasks/{case_no}-accept-1")),
    ):
        with client.session_transaction() as cookie:
            cookie["language"] = "en"
        for address in pages:
            answer = client.get(address)
            assert answer.status_code == 200
            assert chinese_in(answer.text, names) == [], address


def test_axe_finds_nothing_serious_in_the_pages_of_a_procedure(
    page_at: Callable[..., Page], signed_in: As, platform: Platform
) -> None:
    case_no = new_case(platform, "accept", codes=("application",), later=["liability_insurance"], commitment=True)
    draft = platform.caller(APPLICANT).post("/api/v1/drafts", {"item_code": CODE})["draft_id"]
    post(
        signed_in(APPLICANT),
        f"/drafts/{draft}/materials",
        f"/drafts/{draft}/materials/liability_insurance/promise",
        later="true",
    )
    own = (
        f"/apply/{CODE}",
        f"/drafts/{draft}/materials",
        f"/drafts/{draft}/review",
        f"/cases/{case_no}",
        f"/cases/{case_no}/supplement",
    )
    for username, addresses in ((APPLICANT, own), (LEAD, (f"/desk/cases/{case_no}/conduct",))):
        page = page_at("phone")
        sign_in(page, platform, username)
        for address in addresses:
            page.goto(address)
            assert faults(page) == [], address
    page.goto(f"/desk/window/{CODE}")
    page.get_by_label("姓名或单位名称").fill("云溪县第一小学")
    page.get_by_label("公民身份号码或统一社会信用代码").fill("12339999YX00010199")
    page.get_by_role("main").get_by_role("button", name="查找").click()
    page.get_by_label("我已当面核对").wait_for()
    assert faults(page) == []


def _names(platform: Platform) -> set[str]:
    """Who is named: officers and departments' own Chinese, and quotations of the law in the guide."""
    rules = procedures.item(platform)["materials"]
    return {"云溪县第一小学", "教育局经办人", "教育局审批人", *(rule["basis"] for rule in rules)}


def _form(platform: Platform) -> set[str]:
    """What was filled in."""
    values = platform.item["form_schema"]["examples"][0].values()
    return {str(one) for value in values for one in (value if isinstance(value, list) else [value])}


def test_a_suspended_item_and_a_closed_round_are_told_before_anything_is_written(
    signed_in: As, platform: Platform
) -> None:
    administrator, citizen = signed_in("administrator"), signed_in(APPLICANT)
    drafts = platform.caller(APPLICANT).get("/api/v1/drafts")
    address = f"/catalogue/items/{CODE}"
    post(administrator, address, f"{address}/suspension", reason="系统升级", key="s-1")
    page = citizen.get(f"/apply/{CODE}").text
    assert "本事项暂停受理新的申请" in page
    assert "系统升级" in page
    assert post(citizen, f"/apply/{CODE}", eligible="true").status_code == 409
    post(administrator, address, f"{address}/resumption", reason="升级完成", key="s-2")
    coming = {"name": "明年春季", "name_en": "Next spring", "opens": "2190-03-01", "closes": "2190-04-30"}
    today = china_now().date().isoformat()
    _publish(platform, administrator, procedures.item(platform, batches=[coming], effective_from=today))
    page = citizen.get(f"/apply/{CODE}").text
    assert "下一批次：明年春季，2190年3月1日 至 2190年4月30日" in page
    assert post(citizen, f"/apply/{CODE}", eligible="true", **{"eligible-convicted": "no"}).status_code == 409
    assert platform.caller(APPLICANT).get("/api/v1/drafts") == drafts
