"""What anyone finds in the pages: items and their guides, licences verified, figures."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.api import Problem
from portal.kept import kept
from portal.public.figures import share_on_time
from portal.public.home import most_asked_for
from portal.public.plan import stages_of
from portal.public.topics import asked_topic
from portal.public.verification import LARGEST_BYTES, licence_number
from tests.portal.addresses import ENROLMENT, RETIRED
from tests.portal.browsing import CSRF
from tests.portal.rig import APPLICANT, Platform, World

APPLY = "在线申请"


def text_of(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True)


def found_items(client: FlaskClient, query: str) -> list[str]:
    """Codes of the items that the page lists, cancelled ones last."""
    return re.findall(r'<h3><a href="/items/(\w+)"', text_of(client, f"/items?{query}"))


def test_items_are_found_by_pinyin_and_by_what_is_nearly_their_name(client: FlaskClient, world: World) -> None:
    bus = world.item_code
    assert found_items(client, "q=xcsyxk") == [bus]
    assert "没有完全符合的事项" not in text_of(client, "/items?q=xcsyxk")
    assert found_items(client, "q=校车使用许客") == [bus]
    assert "没有完全符合的事项" in text_of(client, "/items?q=校车使用许客")


def test_names_are_suggested_while_one_types(client: FlaskClient) -> None:
    assert 'hx-get="/items/suggestions"' in text_of(client, "/")
    assert text_of(client, "/items/suggestions?q=jiaoyu").strip() == '<option value="教育入学一件事"></option>'
    assert text_of(client, "/items/suggestions?q=").strip() == ""


def test_items_are_found_by_words_topic_department_and_type(client: FlaskClient, world: World) -> None:
    bus = world.item_code
    assert found_items(client, "") == [bus, ENROLMENT]
    assert found_items(client, "q=校车") == [bus]
    assert found_items(client, "topic=person-020") == [ENROLMENT]
    assert found_items(client, "topic=organisation-020&type=01") == []
    assert found_items(client, "topic=organisation-010") == [bus, RETIRED]
    assert found_items(client, "type=20&department=education") == [ENROLMENT]
    assert found_items(client, "topic=nonsense&q=入学") == [ENROLMENT]


def test_whoever_looks_for_a_cancelled_item_is_told_so_and_cannot_apply(client: FlaskClient, world: World) -> None:
    page = text_of(client, "/items?q=留学")
    assert found_items(client, "q=留学") == [RETIRED]
    assert "已取消的事项" in page
    guide = text_of(client, f"/items/{RETIRED}")
    assert "本事项已取消" in guide
    assert "国发〔2017〕7号" in guide
    assert f"/apply/{RETIRED}" not in guide
    assert f'href="/apply/{world.item_code}">{APPLY}' in text_of(client, f"/items/{world.item_code}")


def test_a_search_that_the_api_refuses_says_so_beside_the_form(client: FlaskClient) -> None:
    answer = client.get("/items?q=" + "x" * 101)
    assert answer.status_code == 422
    assert 'href="#f-q"' in answer.get_data(as_text=True)


def leaves(value: Any) -> list[str]:
    """Every text and number in a definition."""
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part)]
    return [] if isinstance(value, bool) or value in (None, "") else [str(value)]


def test_the_guide_shows_every_element(client: FlaskClient, platform: Platform) -> None:
    guide = platform.item
    page = " ".join(re.sub(r"<[^>]+>", " ", text_of(client, f"/items/{guide['item_code']}")).split())
    shown = {name: value for name, value in guide.items() if name not in CODED}
    shown["result"] = {"licence": guide["result"]["licence"]["name"], "sample": guide["result"]["sample"]}
    missing = [
        leaf for leaf in leaves(shown) if is_shown_in_chinese(leaf, guide) and " ".join(leaf.split()) not in page
    ]
    assert missing == []
    for words in ("法定本级行使", "企业法人", "文体教育", "承诺件", "窗口办理", "全程网办", "政府部门核发", "县级"):
        assert words in page


CODED = {
    "form_schema", "plan", "materials", "service_objects", "organisation_topics", "handling_forms", "power_source",
    "case_kind", "item_type", "online_level", "lead_department", "published_at", "effective_from", "state", "agency",
    "committed_limit", "statutory_limit", "segments",
}  # fmt: skip


def is_shown_in_chinese(leaf: str, guide: dict[str, Any]) -> bool:
    """A text that stands on the Chinese page: English is on the other one."""
    return bool(re.search(r"[\u4e00-\u9fff]", leaf)) or leaf in (guide["item_code"], guide["content_hash"])


def test_every_material_and_every_step_stands_in_the_guide(client: FlaskClient, platform: Platform) -> None:
    page = text_of(client, f"/items/{platform.item['item_code']}")
    for material in platform.item["materials"]:
        for part in ("name", "basis", "signature", "filling_guide"):
            assert material[part] in page
    for step in platform.item["plan"]:
        assert step["name"] in page
    assert "2 个环节同时办理" in page


def test_steps_that_wait_for_the_same_run_side_by_side() -> None:
    def step(name: str, *after: str) -> dict[str, Any]:
        return {"step": name, "after": list(after)}

    plan = [step("decide", "police", "health"), step("accept"), step("police", "accept"), step("health", "accept")]
    assert [[one["step"] for one in stage] for stage in stages_of(plan)] == [
        ["accept"],
        ["police", "health"],
        ["decide"],
    ]
    assert stages_of([]) == []
    assert len(stages_of([step("a", "b"), step("b", "a")])) == 1, "a plan that cannot run is shown all the same"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1.2.156.3005.2.A1.B.1.001.X", "1.2.156.3005.2.A1.B.1.001.X"),
        ("  1.2.156.3005.2.a1.b.1.001.x\n", "1.2.156.3005.2.A1.B.1.001.X"),
        ("https://a.example/verify/1.2.156.3005.2.A1.B.1.001.X?lang=en", "1.2.156.3005.2.A1.B.1.001.X"),
        ("1.2.156\u200b.3005.2.\u200b\nA1.B.1.001.X", "1.2.156.3005.2.A1.B.1.001.X"),
        ("证照标识：１．２．Ａ", "1.2.A"),
        ("verification", ""),
        ("..", ""),
        ("", ""),
    ],
)
def test_a_number_is_read_as_people_copy_it(typed: str, number: str) -> None:
    assert licence_number(typed) == number


def test_a_number_leads_to_the_page_that_the_qr_code_names(client: FlaskClient, world: World, site: str) -> None:
    answer = client.get("/verify", query_string={"licence_no": f"{site}/verify/{world.licence_no} "})
    assert (answer.status_code, answer.location) == (303, f"/verify/{world.licence_no}")
    page = text_of(client, answer.location)
    for said in ("✓ 有效", "校车使用许可凭证", "云溪县第一小学", "云溪县人民政府", world.licence_no):
        assert said in page


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9", "✗ 查无此证照"),
        ("1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.8", "✗ 编号有误"),
        ("verification", "✗ 编号有误"),
        ("%00", "✗ 编号有误"),
    ],
)
def test_an_unknown_number_is_told_from_a_mistyped_one(client: FlaskClient, number: str, said: str) -> None:
    answer = client.get(f"/verify/{number}")
    assert answer.status_code == 404
    assert said in answer.get_data(as_text=True)


@pytest.fixture(scope="module")
def pdf(platform: Platform, world: World) -> bytes:
    return bytes(platform.caller(APPLICANT).get_bytes(f"/api/v1/licences/{world.licence_no}/pdf"))


def verify(client: FlaskClient, content: bytes) -> tuple[int, str]:
    """Status and page for an uploaded file."""
    token = CSRF.search(text_of(client, "/verify"))
    assert token
    sent = {"csrf_token": token.group(1), "file": (io.BytesIO(content), "licence.pdf")}
    answer = client.post("/verify", data=sent)
    return answer.status_code, answer.get_data(as_text=True)


def test_a_file_is_an_original_only_byte_for_byte(client: FlaskClient, world: World, pdf: bytes) -> None:
    status, page = verify(client, pdf)
    assert status == 200
    assert "✓ 是原件" in page
    assert world.licence_no in page
    status, page = verify(client, pdf + b"\n")
    assert status == 200
    assert "✗ 不是原件" in page
    assert world.licence_no not in page
    assert "✗ 不是 PDF 文件" in verify(client, b"PK\x03\x04")[1]


def test_no_file_and_a_file_that_is_too_large_are_refused_beside_the_field(client: FlaskClient) -> None:
    for content, said in ((b"", "请选择一个 PDF 文件"), (b"%PDF-" + b"x" * LARGEST_BYTES, "文件超过 5 MB")):
        status, page = verify(client, content)
        assert status == 422
        assert page.count(said) == 2
        assert 'id="file-error"' in page


def test_figures_are_those_of_the_api_and_stand_beside_the_chart(client: FlaskClient, platform: Platform) -> None:
    told = platform.caller().get("/api/v1/figures")
    page = text_of(client, "/figures")
    for figure in ("submitted", "closed", "licences_issued"):
        assert f'number-big">{told["totals"][figure]}<' in page
    assert page.count("<rect") == 2 * len(told["days"])
    assert page.count('<td class="number">') >= 2 * len(told["days"])
    assert "校车使用许可" in page


def test_the_share_on_time_is_never_rounded_up_to_all() -> None:
    def share(answered: int, late: int) -> str | None:
        return share_on_time({"on_time": {"answered": answered, "late": late}})

    assert [share(0, 0), share(3, 0), share(10_000, 1), share(3, 1), share(1, 1)] == [
        None, "100 %", "99.9 %", "66.6 %", "0 %",
    ]  # fmt: skip


def test_items_that_are_asked_for_come_first() -> None:
    items = [{"item_code": code} for code in "abc"]
    figures = {"by_item": [{"item_code": "c", "submitted": 2}, {"item_code": "gone", "submitted": 9}]}
    assert [item["item_code"] for item in most_asked_for(items, figures)] == ["c", "a", "b"]
    assert [item["item_code"] for item in most_asked_for(items, None)] == ["a", "b", "c"]


def test_a_topic_of_the_page_is_one_filter_of_the_api() -> None:
    assert asked_topic("person-020") == {"person_topic": "020"}
    assert asked_topic("organisation-120") == {"organisation_topic": "120"}
    assert asked_topic("person-20") == asked_topic("") == asked_topic("state-020") == {}


def test_what_is_kept_is_asked_for_once_and_serves_on_while_the_api_is_away(portal: Flask) -> None:
    answers: list[Any] = [{}, {"a": 1}, Problem(503, "service_unavailable", "", {})]

    def ask(_caller: object) -> dict[str, int]:
        answer = answers.pop(0)
        if isinstance(answer, Problem):
            raise answer
        return dict(answer)

    with portal.test_request_context("/"):
        assert kept("of this test", 60.0, ask) == {}, "nothing yet: asked again"
        assert kept("of this test", 0.0, ask) == {"a": 1}
        assert kept("of this test", 60.0, ask) == {"a": 1}, "the API is away"
        assert kept("of this test", 60.0, ask) == {"a": 1}, "and is left in peace for a moment"
    assert answers == []
