"""A guide shows whatever element its item has, in the language of the visitor, and so does the guide of a package."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.api import path
from portal.public import items
from tests.portal import packaged
from tests.portal.rig import Platform, World

WORDS = {"text": "一段中文", "text_en": "some words"}
NAMED = {"name": "名称甲", "name_en": "Name A"}
LINES = NAMED | {"lines": {"号牌": "云X12345"}}
ELEMENTS: dict[str, Any] = {
    "state": "suspended",
    "suspended_reason": "系统升级",
    "life_events": ["schooling"],
    "service_area": "2",
    "online_depths": ["1", "7"],
    "delivery_ways": ["post"],
    "number_limit": WORDS,
    "entrusting_agency": NAMED | {"basis": "委托协议", "uscc": "11339999YX0000016U"},
    "joint_agencies": [{"name": "联办局", "name_en": "Joint bureau"}],
    "eligibility": [
        {"question": "已检验吗？", "question_en": "Inspected?", "must_be": True, "otherwise": "先检验", "otherwise_en": "First"}
    ],
    "venues": [
        NAMED | {
            "address": "一楼", "address_en": "Ground floor", "window": "3号", "phone": "0399-1",
            "hours": [{"weekdays": [6], "opens": "09:00", "closes": "11:30"}],
        }
    ],
    "enquiry_channels": [{"kind": "email", "address": "a@example.org", "note": "工作日", "note_en": "Working days"}],
    "examination_rules": [{"point": "车况", "point_en": "State", "standard": "合格", "standard_en": "Passed"}],
    "policies": [{"kind": "rule", "title": "某规章", "title_en": "A rule", "number": "2026年1号", "url": "/x"}],
    "remedies": [{"text": "可申请复议", "text_en": "You may appeal"}],
    "intermediary_services": [
        NAMED | {"basis": "某法", "providers": "检验机构", "providers_en": "Inspectors", "fee": "市场价", "fee_en": "Market"}
    ],
    "fee": {
        "charged": True, "standard": "见下", "basis": "某办法", "online_payment": True,
        "items": [
            {"code": "c", "name": "工本费", "name_en": "Cost", "basis": "x", "standard": "10元", "standard_en": "10 yuan",
             "reductions": [{"text": "低保免收", "text_en": "Free for some"}]}
        ],
    },
    "produced_by": {"application": [{"item_code": "1" * 31, "name": "另一事项", "name_en": "Another item"}]},
}  # fmt: skip
MATERIAL = {
    "main": True, "later_working_days": 5, "page_format": "A4", "issuing_agency": "公安局", "licence_type": "x",
    "not_required": {"text": "自有车辆不用", "text_en": "Not for own buses"}, "blank_form": LINES,
    "acceptance_standard": {"text": "字迹清楚", "text_en": "Legible"}, "sample": NAMED | {"url": "/s"},
}  # fmt: skip
CHINESE = (
    "暂停受理|系统升级|上学|跨省|电子证照反馈|邮寄|一段中文|委托协议|联办局|已检验吗？|先检验|一楼|3号|"
    "周六|09:00–11:30|a@example.org|车况|某规章|2026年1号|可申请复议|检验机构|工本费|低保免收|另一事项|"
    "主要材料|后 5个工作日内补交|A4|公安局|免提交|自有车辆不用|字迹清楚|云X12345|示例样表|40日|"
    "仅在符合条件时办理"
)
ENGLISH = (
    "Suspended|Going to school|Across provinces|some words|Joint bureau|Inspected?|Ground floor|Saturday|"
    "Passed|A rule|You may appeal|Inspectors|10 yuan|Free for some|Another item|Legible|Not for own buses"
)


class Overlay:
    """The API with answers of its own for some paths."""

    def __init__(self, caller: Any, answers: dict[str, Any]) -> None:
        self._caller, self._answers = caller, answers

    def get(self, address: str, **query: Any) -> Any:
        return self._answers[address] if address in self._answers else self._caller.get(address, **query)


def overlay(monkeypatch: pytest.MonkeyPatch, module: Any, answers: dict[str, Any]) -> None:
    real = module.api
    monkeypatch.setattr(module, "api", lambda: Overlay(real(), answers))


@pytest.mark.parametrize(("language", "expected"), [("zh", CHINESE.split("|")), ("en", ENGLISH.split("|"))])
def test_a_guide_shows_every_element_that_its_item_has(
    client: FlaskClient, platform: Platform, monkeypatch: pytest.MonkeyPatch, language: str, expected: list[str]
) -> None:
    item = copy.deepcopy(platform.item) | ELEMENTS
    item["materials"][0] |= MATERIAL
    item["plan"][1] |= {"limit": {"amount": 40, "unit": "day"}, "when": [{"field": "seats", "at_least": 20}]}
    code = item["item_code"]
    overlay(monkeypatch, items, {path("items", code): item})
    with client.session_transaction() as cookie:
        cookie["language"] = language
    answer = client.get(f"/items/{code}")
    page = " ".join(answer.get_data(as_text=True).split())
    assert answer.status_code == 200
    assert [words for words in expected if words not in page] == []
    assert "在线申请" not in page


def test_a_package_shows_its_items_materials_and_form_once(
    client: FlaskClient, platform: Platform, world: World
) -> None:
    item, address = platform.item, f"/packages/{packaged.CODE}"
    listed = client.get("/packages?event=schooling").get_data(as_text=True)
    assert (packaged.NAME in listed, "2 个事项" in listed) == (True, True)
    assert packaged.NAME not in client.get("/packages?event=death").get_data(as_text=True)
    for found in ("/", "/items?q=开学", "/packages?q=first+day"):
        assert f'href="{address}"' in client.get(found).get_data(as_text=True), found
    page = client.get(address).get_data(as_text=True)
    wanted = (
        packaged.NAME, item["name"], "教育入学一件事", "11个工作日", "5个工作日", "仅在以下情形：同时申请入学",
        "核载人数", *(rule["name"] for rule in item["materials"]), f"{address}/apply",
    )  # fmt: skip
    assert [words for words in wanted if words not in page] == []
