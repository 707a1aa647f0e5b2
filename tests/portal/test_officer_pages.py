"""The officers' desk without a browser: what the API says afterwards, and what is refused changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.portal.browsing import CSRF, enter
from tests.portal.rig import APPLICANT, PLAN, SUPERVISOR, Platform, World

KEY = re.compile(r'name="key" value="([^"]+)"')
Open = Callable[[str, str], str]


@pytest.fixture
def desk(client: FlaskClient, platform: Platform) -> Callable[[str], FlaskClient]:
    def signed_in(department: str) -> FlaskClient:
        enter(client, platform, f"officer-{department}")
        return client

    return signed_in


def task_of(platform: Platform, case_no: str, step: str) -> dict[str, Any]:
    """The newest task of the step, as the case has it."""
    return next(task for task in reversed(platform.case(case_no)["tasks"]) if task["step"] == step)


def address_of(case_no: str, step: str, number: int = 1) -> str:
    return f"/desk/tasks/{case_no}-{step}-{number}"


def post(client: FlaskClient, address: str, **fields: Any) -> TestResponse:
    """Send the page's own form, its tokens with it."""
    page = client.get(address).get_data(as_text=True)
    [token] = set(CSRF.findall(page))
    key = KEY.search(page)
    return client.post(address, data={"csrf_token": token, **({"key": key[1]} if key else {}), **fields})


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


@pytest.fixture
def accepted(platform: Platform) -> str:
    """A case whose two opinions are awaited."""
    case_no = platform.apply()
    platform.advance(case_no, "accept")
    return case_no


def test_the_list_shows_the_departments_own_tasks_and_those_due_first_on_top(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    page = text(desk("police").get("/desk"))
    mine = platform.caller("officer-police").get("/api/v1/tasks")["tasks"]
    assert re.findall(r'href="/desk/tasks/([^"]+)"', page) == [
        task["task_id"] for task in sorted(mine, key=lambda t: (t["due_on"], t["assigned_at"], t["task_id"]))
    ]
    assert f"{accepted}-police_opinion-1" in page
    assert f"{accepted}-transport_opinion-1" not in page


def test_the_list_is_filtered_by_item_step_and_urgency(desk: Callable[[str], FlaskClient], accepted: str) -> None:
    client = desk("police")
    mine = f"{accepted}-police_opinion-1"
    assert mine in text(client.get("/desk", query_string={"step": "police_opinion", "item": accepted[:31]}))
    for other in ({"step": "issue_plate"}, {"item": "nothing"}, {"clock": "late"}):
        assert mine not in text(client.get("/desk", query_string=other))
    assert "没有符合筛选条件的任务" in text(client.get("/desk", query_string={"item": "nothing"}))


def test_the_list_renews_itself_only_when_something_has_changed(
    desk: Callable[[str], FlaskClient], platform: Platform
) -> None:
    client = desk("transport")
    asked = re.search(r'hx-get="(/desk[^"]+)"', text(client.get("/desk")))
    assert asked
    assert client.get(asked[1]).status_code == 204
    case_no = platform.apply()
    platform.advance(case_no, "accept")
    renewed = client.get(asked[1])
    assert renewed.status_code == 200
    assert f"{case_no}-transport_opinion-1" in text(renewed)
    assert "<html" not in text(renewed)


def test_a_list_left_open_says_that_it_is_not_kept_up_to_date_any_more(client: FlaskClient) -> None:
    answer = client.get("/desk/now")
    assert answer.status_code == 286
    assert "登录已过期" in text(answer)


def test_a_department_without_tasks_is_told_what_to_do(desk: Callable[[str], FlaskClient]) -> None:
    assert "没有待办任务" in text(desk("health").get("/desk"))
    assert "本部门还没有答复过任务" in text(desk("health").get("/desk/answered"))


@pytest.mark.parametrize("username", [APPLICANT, SUPERVISOR])
def test_citizens_and_supervisors_cannot_open_the_desk(
    username: str, client: FlaskClient, platform: Platform, world: World
) -> None:
    address = f"/desk/tasks/{world.task_id}"
    before = platform.case(world.running)
    enter(client, platform, username)
    for place in ("/desk", "/desk/answered", address):
        assert client.get(place).headers["Location"].startswith("/sign-in")
    token = CSRF.search(text(client.get("/")))
    assert token
    said = {"csrf_token": token[1], "stage": "send", "verdict": "agree", "key": "k"}
    assert client.post(address, data=said).headers["Location"].startswith("/sign-in")
    assert platform.case(world.running) == before


def test_a_task_of_another_department_is_not_there(desk: Callable[[str], FlaskClient], accepted: str) -> None:
    client = desk("police")
    assert client.get(address_of(accepted, "transport_opinion")).status_code == 404
    assert client.get(address_of(accepted, "nothing")).status_code == 404


def test_the_task_stands_beside_its_case(desk: Callable[[str], FlaskClient], platform: Platform, accepted: str) -> None:
    page = text(desk("police").get(address_of(accepted, "police_opinion")))
    assert "云X12345" in page, "the form"
    for material in platform.item["materials"]:
        assert material["name"] in page
        assert material["basis"] in page
        assert material["filling_guide"] in page
    assert "交通运输意见" in page, "the other departments"
    assert "行政许可法 §32" in page, "the timeline"


def test_a_material_comes_through_as_the_api_gives_it(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    material = platform.case(accepted)["materials"][0]["material_id"]
    answer = desk("police").get(f"/desk/materials/{material}")
    assert answer.data == platform.caller("officer-police").get_bytes(f"/api/v1/materials/{material}")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={material}.pdf"


def test_a_material_of_no_task_of_the_department_is_not_there(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    material = platform.case(accepted)["materials"][0]["material_id"]
    assert desk("health").get(f"/desk/materials/{material}").status_code == 404


def test_looking_is_no_receipt_and_the_button_is(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    client, address = desk("police"), address_of(accepted, "police_opinion")
    assert "签收表示本部门已收到任务" in text(client.get(address))
    assert task_of(platform, accepted, "police_opinion")["acknowledged_at"] is None
    assert post(client, address, stage="receive").status_code == 303
    assert task_of(platform, accepted, "police_opinion")["acknowledged_at"] is not None
    assert "签收表示本部门已收到任务" not in text(client.get(address))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({}, "请选择意见"),
        ({"verdict": "disagree", "reason": "  "}, "请写明理由"),
        ({"verdict": "agree", "reason": "字" * 4001}, "理由最多 4000 个字"),
        ({"verdict": "correction_needed"}, "请勾选需要补正的材料"),
        ({"verdict": "correction_needed", "defect": ["operating_plan"]}, "请写明问题：校车运行方案"),
    ],
)
def test_an_incomplete_opinion_is_shown_again_and_nothing_is_sent(
    said: dict[str, Any], error: str, desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    client, address = desk("police"), address_of(accepted, "police_opinion")
    typed = {"problem-safety_rules": "没有照管人员", **said}
    for stage in ("check", "send"):
        answer = post(client, address, stage=stage, **typed)
        assert answer.status_code == 422
        assert error in text(answer)
        assert "没有照管人员" in text(answer), "what was typed stays"
    assert task_of(platform, accepted, "police_opinion")["state"] == "open"


def test_nothing_is_sent_before_what_will_happen_is_confirmed(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    client, address = desk("police"), address_of(accepted, "police_opinion")
    said = {"verdict": "disagree", "reason": "车辆未年检"}
    page = text(post(client, address, stage="check", **said))
    assert "不同意的意见和理由交给后续环节" in page
    assert "不能撤回" in page
    assert "云溪县交通运输局" in page, "who is awaited"
    assert task_of(platform, accepted, "police_opinion")["state"] == "open"
    assert "车辆未年检" in text(post(client, address, stage="edit", **said))
    assert task_of(platform, accepted, "police_opinion")["state"] == "open"


def test_two_clicks_are_one_opinion(desk: Callable[[str], FlaskClient], platform: Platform, accepted: str) -> None:
    client, address = desk("police"), address_of(accepted, "police_opinion")
    page = text(client.get(address))
    [token], key = set(CSRF.findall(page)), KEY.search(page)
    assert key
    said = {"csrf_token": token, "key": key[1], "stage": "send", "verdict": "disagree", "reason": "车辆未年检"}
    for _ in range(2):
        answer = client.post(address, data=said)
        assert answer.status_code == 303
    task = task_of(platform, accepted, "police_opinion")
    assert (task["verdict"], task["reason"], task["officer"]) == ("disagree", "车辆未年检", "公安局经办人")
    assert "意见已提交" in text(client.get(answer.headers["Location"]))
    assert address in text(client.get("/desk/answered"))


def test_a_second_opinion_is_refused_in_plain_words_and_what_was_typed_stays(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    client, address = desk("police"), address_of(accepted, "police_opinion")
    page = text(client.get(address))
    [token] = set(CSRF.findall(page))
    platform.answer(accepted, "police_opinion")
    before = platform.case(accepted)
    said = {"csrf_token": token, "key": "another", "stage": "send", "verdict": "disagree", "reason": "后来的理由"}
    answer = client.post(address, data=said)
    assert answer.status_code == 409
    assert "本部门已经答复过这个任务" in text(answer)
    assert "后来的理由" in text(answer)
    assert platform.case(accepted) == before


def test_an_opinion_on_a_withdrawn_case_is_refused(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    client, address = desk("police"), address_of(accepted, "police_opinion")
    [token] = set(CSRF.findall(text(client.get(address))))
    platform.caller(APPLICANT).post(f"/api/v1/cases/{accepted}/withdrawal", {"reason": "车辆已转让"})
    before = platform.case(accepted)
    said = {"csrf_token": token, "key": "k", "stage": "send", "verdict": "agree"}
    answer = client.post(address, data=said)
    assert answer.status_code == 409
    assert "申请人已撤回申请" in text(answer)
    assert platform.case(accepted) == before


def test_corrections_of_two_departments_go_into_one_notice(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    asked = {
        "police": {"driver_qualification": "没有签注"},
        "transport": {"operating_plan": "缺站点", "safety_rules": "缺应急处置"},
    }
    for department, problems in asked.items():
        client, address = desk(department), address_of(accepted, f"{department}_opinion")
        said = {"verdict": "correction_needed", "defect": list(problems)}
        said |= {f"problem-{code}": problem for code, problem in problems.items()}
        page = text(post(client, address, stage="check", **said))
        assert ("先记录本部门的补正要求" in page) == (department == "police")
        assert ("补正告知书随即发给申请人" in page) == (department == "transport")
        assert post(client, address, stage="send", **said).status_code == 303
    case = platform.case(accepted)
    assert case["state"] == "awaiting_correction"
    told = {
        t["department"]: {d["material_code"]: d["problem"] for d in t["defects"]} for t in case["tasks"] if t["defects"]
    }
    assert told == asked


def test_after_the_one_notice_no_second_correction_can_be_asked_for(
    desk: Callable[[str], FlaskClient], platform: Platform, accepted: str
) -> None:
    platform.answer(accepted, "police_opinion")
    defect = {"material_code": "operating_plan", "problem": "缺站点"}
    platform.answer(accepted, "transport_opinion", "correction_needed", defects=[defect])
    correct(platform, accepted, "operating_plan")
    client, address = desk("transport"), address_of(accepted, "transport_opinion", 2)
    page = text(client.get(address))
    assert "本件已发过补正告知书" in page
    assert 'value="correction_needed"' not in page
    before = platform.case(accepted)
    said = {"verdict": "correction_needed", "defect": ["operating_plan"], "problem-operating_plan": "还缺"}
    assert post(client, address, stage="send", **said).status_code == 422
    assert platform.case(accepted) == before


def correct(platform: Platform, case_no: str, material_code: str) -> None:
    """The applicant hands in what the notice asked for."""
    applicant = platform.caller(APPLICANT)
    where = {"item_code": case_no[:31], "material_code": material_code}
    stored = applicant.upload("/api/v1/materials", b"%PDF-1.7 corrected", "application/pdf", **where)
    applicant.post(f"/api/v1/cases/{case_no}/corrections", {"materials": [stored["receipt"]]})


def test_every_step_has_its_own_words_and_the_case_closes(
    desk: Callable[[str], FlaskClient], platform: Platform
) -> None:
    case_no = platform.apply()
    words = {
        "accept": ("不予受理", "接着开始：公安交管意见（云溪县公安局）、交通运输意见（云溪县交通运输局）"),
        "police_opinion": ("不同意", "后续环节等待 云溪县交通运输局 答复后开始"),
        "transport_opinion": ("不同意", "接着开始：教育审查（云溪县教育局）"),
        "examine": ("建议不予许可", "接着开始：县政府决定（云溪县人民政府）"),
        "decide": ("不予许可", "制作电子证照“校车使用许可凭证”"),
        "issue_plate": ("已送达", "记录送达完成"),
    }
    for step, (choice, consequence) in words.items():
        client, address = desk(PLAN[step]), address_of(case_no, step)
        assert choice in text(client.get(address))
        assert consequence in text(post(client, address, stage="check", verdict="agree"))
        assert post(client, address, stage="send", verdict="agree").status_code == 303
    assert platform.wait_for_state(case_no, "closed")["licence_no"]


@pytest.mark.parametrize(
    ("steps", "step", "state"),
    [
        ((), "accept", "not_accepted"),
        (("accept", "police_opinion", "transport_opinion", "examine"), "decide", "denied"),
    ],
)
def test_refusing_an_application_names_the_right_to_reconsideration(
    steps: tuple[str, ...], step: str, state: str, desk: Callable[[str], FlaskClient], platform: Platform
) -> None:
    case_no = platform.apply()
    platform.advance(case_no, *steps)
    client, address = desk(PLAN[step]), address_of(case_no, step)
    said = {"verdict": "disagree", "reason": "不符合第十四条第三项"}
    assert "行政复议" in text(post(client, address, stage="check", **said))
    assert post(client, address, stage="send", **said).status_code == 303
    case = platform.case(case_no)
    assert case["state"] == state
    assert task_of(platform, case_no, step)["reason"] == "不符合第十四条第三项"


def test_the_desk_speaks_english(desk: Callable[[str], FlaskClient], accepted: str) -> None:
    client = desk("police")
    assert "Traffic police opinion" in text(client.get("/desk?lang=en"))
    page = text(client.get(address_of(accepted, "police_opinion") + "?lang=en"))
    assert "Your department" in page
    assert "Operating plan" in page
