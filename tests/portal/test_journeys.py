"""What people come for, from the first page to the last, in a browser on a phone and on a desk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.portal.browsing import enter_account, faults, fill_form, link, read_download, shot, sign_in, upload
from tests.portal.rig import APPLICANT, PLAN, SUPERVISOR, Platform, World, running_platform
from verify.ledger import verify_trail

Pages = Callable[..., Page]
every_size = pytest.mark.parametrize("size", ["phone", "desktop"])
on_a_phone = pytest.mark.parametrize("size", ["phone"])
on_a_desk = pytest.mark.parametrize("size", ["desktop"])
DEPARTMENTS_S = 60_000  # for simulated departments to finish a case, in milliseconds
CASE_NO = re.compile(r"[0-9A-Z]{31}\d{8,14}")


def case_no_of(page: Page) -> str:
    found = CASE_NO.search(page.url)
    assert found, page.url
    return found.group()


def begin(page: Page, platform: Platform, journey: str) -> None:
    """From the guide through the sign-in page and the conditions to the draft's form."""
    page.goto(f"/items/{platform.item['item_code']}")
    link(page, "在线申请").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("登录")
    enter_account(page, platform, APPLICANT)
    expect(page.get_by_role("heading", name="申请条件")).to_be_visible()
    shot(page, f"{journey}-conditions")
    page.get_by_label("我符合以上条件").check()
    page.get_by_role("button", name="开始填写").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("校车使用许可申请表")


def fill_and_go_on(page: Page, platform: Platform, journey: str) -> None:
    schema = platform.item["form_schema"]
    fill_form(page, schema, schema["examples"][0])
    shot(page, f"{journey}-form")
    page.get_by_role("button", name="保存并继续").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("上传材料")


def hand_in_papers(page: Page, platform: Platform, journey: str) -> None:
    for material in platform.item["materials"]:
        if material["required"]:
            name = material["name"]
            upload(page, f"选择文件 {name}", name)
            page.get_by_role("button", name=f"上传 {name}", exact=True).click()
            expect(article(page, name).get_by_text("已上传")).to_be_visible()
    shot(page, f"{journey}-materials")
    page.get_by_role("button", name="继续核对").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("核对提交")


def article(page: Page, name: str) -> Locator:
    """The part of the page about one material."""
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=name))


def submit(page: Page, journey: str) -> str:
    """Declare and submit; returns the case's number."""
    expect(page.get_by_text("云X12345")).to_be_visible()
    shot(page, f"{journey}-review")
    page.get_by_label("我声明所填内容和所交材料真实有效").check()
    page.get_by_role("button", name="提交申请").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("收件凭证")
    shot(page, f"{journey}-receipt")
    return case_no_of(page)


def rate(page: Page, journey: str) -> None:
    link(page, "评价这次办理").click()
    page.get_by_label("非常满意", exact=True).check()
    page.get_by_label("办理速度").check()
    page.get_by_label("想说的话").fill("一次没跑，进度清楚。")
    shot(page, f"{journey}-rating")
    page.get_by_role("button", name="提交评价").click()
    expect(page.get_by_text("感谢您的评价。")).to_be_visible()


@on_a_phone
def test_stranger_finds_an_item_and_verifies_a_licence(
    size: str, page_at: Pages, platform: Platform, world: World
) -> None:
    page = page_at(size)
    page.goto("/")
    shot(page, "stranger-home")
    page.get_by_role("combobox", name="查找事项").fill("校车")
    page.get_by_role("button", name="查找").click()
    shot(page, "stranger-found")
    link(page, "校车使用许可").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("校车使用许可")
    for part in ("受理条件", "办理时限", "部门并行办理", "申请材料", "审批结果"):
        expect(page.get_by_role("heading", name=part)).to_be_visible()
    expect(page.get_by_text("11 个工作日").or_(page.get_by_text("11个工作日")).first).to_be_visible()
    shot(page, "stranger-guide")
    link(page, "核验证照").click()
    shot(page, "stranger-verify")
    page.get_by_label("证照标识").fill(world.licence_no)
    page.get_by_role("button", name="核验编号").click()
    expect(page.get_by_role("status").filter(has_text="✓ 有效")).to_be_visible()
    shot(page, "stranger-licence")
    original = platform.caller(APPLICANT).get_bytes(f"/api/v1/licences/{world.licence_no}/pdf")
    check_file(page, original)
    expect(page.get_by_role("status").filter(has_text="✓ 是原件，并且现在有效。")).to_be_visible()
    shot(page, "stranger-original")
    check_file(page, original[:-40] + bytes(40))
    expect(page.get_by_role("alert").filter(has_text="✗")).to_be_visible()
    shot(page, "stranger-forged")


def check_file(page: Page, content: bytes) -> None:
    page.goto("/verify")
    page.get_by_label("电子证照 PDF").set_input_files(
        {"name": "licence.pdf", "mimeType": "application/pdf", "buffer": content}
    )
    page.get_by_role("button", name="核验文件").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("文件核验结果")


@pytest.fixture(scope="class")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """What ``make run`` starts: simulated departments are at work."""
    with running_platform(tmp_path_factory.mktemp("busy"), "--delay", "1") as platform:
        yield platform


class TestApplying:
    """School bus permit, with simulated departments behind it."""

    @every_size
    def test_citizen_applies_and_watches_until_the_licence_is_there(
        self, size: str, page_at: Pages, busy: Platform
    ) -> None:
        page = page_at(size, at=busy.base_url)
        begin(page, busy, "apply")
        fill_and_go_on(page, busy, "apply")
        hand_in_papers(page, busy, "apply")
        case_no = submit(page, "apply")
        link(page, "查看办理进度").click()
        expect(page.get_by_text(case_no).first).to_be_visible()
        shot(page, "apply-under-way")
        page.evaluate("window.stayed = true")
        expect(page.get_by_text("全部办完。")).to_be_visible(timeout=DEPARTMENTS_S)
        assert page.evaluate("window.stayed"), "the page renewed itself, nobody loaded it again"
        for department in ("云溪县教育局", "云溪县公安局", "云溪县交通运输局", "云溪县人民政府"):
            expect(page.get_by_role("heading", name=department).first).to_be_visible()
        shot(page, "apply-done")
        licence = read_download(page, "下载电子证照 PDF")
        assert licence.startswith(b"%PDF-")
        rate(page, "apply")
        link(page, "收件凭证").click()
        for material in busy.case(case_no)["materials"]:
            expect(page.get_by_text(material["sha256"])).to_be_visible()
        proof = read_download(page, "下载存证证明")
        assert case_no.encode() in proof
        page.goto("/licences")
        expect(page.get_by_text(busy.case(case_no)["licence_no"]).first).to_be_visible()
        shot(page, "apply-licences")

    def test_citizen_applies_with_javascript_switched_off(self, page_at: Pages, busy: Platform) -> None:
        page = page_at("phone", javascript=False, at=busy.base_url)
        begin(page, busy, "plain")
        fill_and_go_on(page, busy, "plain")
        hand_in_papers(page, busy, "plain")
        case_no = submit(page, "plain")
        busy.wait_for_state(case_no, "closed")
        link(page, "查看办理进度").click()
        expect(page.get_by_text("全部办完。")).to_be_visible()
        shot(page, "plain-done")
        rate(page, "plain")


@on_a_phone
def test_what_was_typed_stays_and_every_error_is_said_beside_its_field(
    size: str, page_at: Pages, platform: Platform
) -> None:
    page = page_at(size)
    begin(page, platform, "errors")
    page.get_by_label("号牌号码").fill("12345")
    page.get_by_label("核载人数").fill("3")
    page.get_by_role("button", name="保存并继续").click()
    summary = page.get_by_role("alert").filter(has_text="请改正以下问题")
    expect(summary).to_be_focused()
    shot(page, "errors-form")
    assert faults(page) == []
    summary.get_by_role("link", name=re.compile("核载人数")).click()
    seats = page.get_by_label("核载人数")
    expect(seats).to_be_focused()
    expect(seats).to_have_value("3")
    assert "不小于 7" in page.locator(f"#{(seats.get_attribute('aria-describedby') or '').split()[-1]}").inner_text()
    page.get_by_role("button", name="保存，稍后再填").click()
    link(page, "继续填写").click()
    expect(page.get_by_label("号牌号码")).to_have_value("12345")
    page.goto("/my")
    page.get_by_role("button", name="删除草稿").first.click()


@on_a_phone
def test_citizen_answers_the_one_correction_notice_item_by_item(size: str, page_at: Pages, platform: Platform) -> None:
    case_no = platform.apply()
    platform.advance(case_no, "accept", "police_opinion")
    names = {material["code"]: material["name"] for material in platform.item["materials"]}
    asked = {"operating_plan": "缺少停靠站点示意图。", "safety_rules": "没有照管人员的管理办法。"}

    desk = page_at(size)
    sign_in(desk, platform, "officer-transport")
    open_task(desk, case_no)
    desk.get_by_label("需要补正", exact=True).check()
    for code, problem in asked.items():
        desk.get_by_label(names[code], exact=True).check()
        desk.get_by_label(f"问题：{names[code]}").fill(problem)
    shot(desk, "correction-asked")
    send_opinion(desk)

    page = page_at(size)
    sign_in(page, platform, APPLICANT)
    link(page, f"去补正 {case_no}").click()
    for problem in asked.values():
        expect(page.get_by_text(problem)).to_be_visible()
    shot(page, "correction-notice")
    upload(page, f"选择新文件 {names['operating_plan']}", "运行方案")
    page.get_by_label(f"选择新文件 {names['safety_rules']}").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"not a PDF"}
    )
    page.get_by_role("button", name="提交补正").click()
    expect(page.get_by_role("alert").filter(has_text="请改正以下问题")).to_be_visible()
    shot(page, "correction-refused")
    assert platform.case(case_no)["state"] == "awaiting_correction"
    for code in asked:
        upload(page, f"选择新文件 {names[code]}", f"{names[code]}（补正）")
    page.get_by_role("button", name="提交补正").click()
    expect(page.get_by_text("第 2 轮")).to_be_visible()
    shot(page, "correction-handed-in")
    platform.advance(case_no, "transport_opinion", "examine", "decide", "issue_plate")
    expect(page.get_by_text("全部办完。")).to_be_visible(timeout=DEPARTMENTS_S)
    assert platform.case(case_no)["state"] == "closed"


@on_a_desk
def test_citizen_withdraws_and_the_departments_stop(size: str, page_at: Pages, platform: Platform) -> None:
    case_no = platform.apply()
    platform.advance(case_no, "accept")
    page = page_at(size)
    sign_in(page, platform, APPLICANT)
    page.goto(f"/cases/{case_no}")
    link(page, "撤回申请").click()
    shot(page, "withdrawal-asked")
    page.get_by_label("撤回原因").fill("车辆已转让。")
    page.get_by_role("button", name="确认撤回").click()
    expect(page.get_by_text("申请已撤回，不再办理。")).to_be_visible()
    shot(page, "withdrawal-done")
    case = platform.case(case_no)
    assert case["state"] == "withdrawn"
    assert {task["state"] for task in case["tasks"]} == {"answered", "cancelled"}


def open_task(page: Page, case_no: str) -> None:
    """From the desk's list to the task of this case; it is there a moment after the step before it."""
    page.goto("/desk")
    task = page.get_by_role("link", name=case_no)
    for _ in range(20):
        if task.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    task.first.click()
    expect(page.get_by_role("heading", name="本部门的意见")).to_be_visible()


def send_opinion(page: Page) -> None:
    page.get_by_role("button", name="下一步：核对").click()
    expect(page.get_by_text("提交后会发生什么")).to_be_visible()
    page.get_by_role("button", name="确认提交").click()
    expect(page.get_by_text("意见已提交")).to_be_visible()


@on_a_desk
def test_officers_accept_give_opinions_and_decide(size: str, page_at: Pages, platform: Platform) -> None:
    case_no = platform.apply()
    words = {
        "accept": "受理",
        "police_opinion": "同意",
        "examine": "审查通过，建议准予",
        "decide": "准予",
        "issue_plate": None,
    }
    for step, word in words.items():
        page = page_at(size)
        sign_in(page, platform, f"officer-{PLAN[step]}")
        open_task(page, case_no)
        if step == "accept":
            assert read_download(page, "下载：校车运行方案").startswith(b"%PDF-")
            page.get_by_role("button", name="签收").click()
            expect(page.get_by_role("button", name="签收")).to_have_count(0)
        if word:
            page.get_by_label(word, exact=True).check()
        shot(page, f"officer-{step}")
        send_opinion(page)
        page.context.close()
        if step == "police_opinion":
            disagree(page_at(size), platform, case_no)
    case = platform.wait_for_state(case_no, "closed")
    assert case["licence_no"]
    verdicts = {task["step"]: (task["verdict"], task["officer"]) for task in case["tasks"]}
    assert verdicts["transport_opinion"] == ("disagree", "交通运输局经办人")


def disagree(page: Page, platform: Platform, case_no: str) -> None:
    """Only with a reason. The decider weighs it."""
    sign_in(page, platform, "officer-transport")
    open_task(page, case_no)
    page.get_by_label("不同意", exact=True).check()
    page.get_by_role("button", name="下一步：核对").click()
    expect(page.get_by_role("alert").filter(has_text="请写明理由")).to_be_visible()
    page.get_by_label("理由或说明").fill("白石桥限行，须绕行。")
    shot(page, "officer-transport_opinion")
    send_opinion(page)


@on_a_desk
def test_supervisor_watches_the_board_and_checks_the_proof_of_a_case(
    size: str, page_at: Pages, platform: Platform, world: World
) -> None:
    page = page_at(size)
    sign_in(page, platform, SUPERVISOR)
    expect(page.get_by_role("heading", level=1)).to_have_text("监察看板")
    received = page.get_by_role("list", name="按状态统计").get_by_role("listitem").filter(has_text="已收件，待受理")
    before = int(received.locator(".number-big").inner_text())
    platform.apply()
    expect(received).to_contain_text(str(before + 1), timeout=30_000)
    shot(page, "supervision-board")
    page.get_by_label("办件号").fill(world.closed)
    page.get_by_role("button", name="查办件").click()
    expect(page.get_by_text("您的浏览器已核验：全部记录与已签名的账本相符。")).to_be_visible()
    shot(page, "supervision-case")
    proof = read_download(page, "下载证明（JSON）")
    key = platform.caller().get_bytes("/api/v1/ledger/key").decode().strip()
    assert verify_trail(json.loads(proof), key).ok
    link(page, "亮牌记录").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("亮牌记录")
    shot(page, "supervision-cards")


def test_the_browser_itself_notices_an_entry_that_was_changed(page_at: Pages, platform: Platform, world: World) -> None:
    page = page_at("desktop")
    sign_in(page, platform, SUPERVISOR)

    def falsify(route: Any) -> None:
        answer = route.fetch()
        told = re.sub(r'data-seq="(\d+)"', lambda seq: f'data-seq="{int(seq[1]) + 1}"', answer.text(), count=1)
        route.fulfill(response=answer, body=told)

    page.route(f"**/supervision/cases/{world.closed}", falsify)
    page.goto(f"/supervision/cases/{world.closed}")
    expect(page.get_by_text("核验不通过")).to_be_visible()
