"""Who applies, how sure we are of them, and both names where an agent acts for another."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from contracts.case import CaseCorrected, CaseSubmitted, CaseWithdrawn
from services.workflow.models import db
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, everything
from tests.support import told

AGENT = {"sub": "org-1", "party": "org-1", "name": "第一小学", "act": {"sub": "a-9", "name": "周敏"}}
ALL = "cases:submit cases:correct cases:withdraw cases:read"


def call(desk: Desk, address: str, body: Any, **claims: Any) -> Any:
    headers = desk.tokens.headers(ALL, **(AGENT | claims)) | {"Idempotency-Key": f"r-{next(desk.keys)}"}
    return desk.client.post(f"/api/v1/{address}", json=body, headers=headers)


def apply(desk: Desk, **claims: Any) -> Any:
    body = {"item_code": ITEM_CODE, "form": {"plate": "鲁A12345"}, "materials": [desk.receipt("application")]}
    return call(desk, "cases", body, **claims)


def test_an_agents_case_carries_both_names_in_every_record(desk: Desk) -> None:
    case_no = apply(desk).json["case_no"]
    assert call(desk, f"cases/{case_no}/withdrawal", {"reason": "改期"}).status_code == 200
    shown = desk.show(case_no)
    assert (shown["submitted_by"], shown["agent_name"], shown["applicant_name"]) == ("a-9", "周敏", "第一小学")
    moves = [(move["by"], move["by_name"], move["for_name"]) for move in shown["timeline"]]
    assert moves == [("a-9", "周敏", "第一小学")] * 2
    [submitted], [withdrawn] = told(db, CaseSubmitted), told(db, CaseWithdrawn)
    assert (submitted.applicant_id, submitted.submitted_by, submitted.represented) == ("org-1", "a-9", True)
    assert (withdrawn.by, withdrawn.represented) == ("a-9", True)
    assert "周敏" not in repr([submitted, withdrawn])


def test_an_agents_correction_names_him_too(desk: Desk) -> None:
    case_no = apply(desk).json["case_no"]
    task = desk.open_tasks("education")[0]
    defects = [{"material_code": "application", "problem": "未盖章"}]
    desk.answer("education", task["task_id"], "correction_needed", reason="缺章", defects=defects)
    corrected = call(desk, f"cases/{case_no}/corrections", {"materials": [desk.receipt("application")]})
    assert corrected.status_code == 200, corrected.json
    [told_of] = told(db, CaseCorrected)
    assert (told_of.by, told_of.represented) == ("a-9", True)


def test_who_applies_for_themselves_is_named_by_no_agent(desk: Desk) -> None:
    case_no = desk.new_case()
    shown = desk.show(case_no)
    assert (shown["agent_name"], shown["applicant_name"]) == (None, None)
    assert (shown["timeline"][0]["by"], shown["timeline"][0]["by_name"]) == ("p-1", None)
    [submitted] = told(db, CaseSubmitted)
    assert (submitted.submitted_by, submitted.represented) == ("p-1", False)


def test_an_item_outside_the_delegation_is_refused(desk: Desk) -> None:
    before = everything()
    refused = apply(desk, items=["1" * 31])
    assert (refused.status_code, refused.json["code"]) == (403, "item_not_delegated")
    assert everything() == before
    assert apply(desk, items=[ITEM_CODE]).status_code == 201


@pytest.mark.parametrize(("scope", "address"), [("cases:withdraw", "corrections"), ("cases:correct", "withdrawal")])
def test_each_action_needs_its_own_right(desk: Desk, scope: str, address: str) -> None:
    case_no = desk.new_case()
    before = everything()
    refused = call(desk, f"cases/{case_no}/{address}", {"reason": "x", "materials": []}, scope=scope)
    assert (refused.status_code, refused.json["code"]) == (403, "scope_missing")
    assert everything() == before


@pytest.mark.parametrize("level", [2, 3])
def test_who_is_not_sure_enough_is_refused_and_told_what_is_needed_and_how(desk: Desk, level: int) -> None:
    desk.publish(msgspec.structs.replace(make_item(version=9), min_level=4))
    before = everything()
    refused = apply(desk, level=level)
    assert (refused.status_code, refused.json["code"]) == (403, "level_too_low")
    assert (refused.json["required_level"], refused.json["level"]) == (4, level)
    assert refused.json["raise_at"] == "/api/v1/my/verifications"
    assert "第三项" in refused.json["how_to_raise"]
    assert everything() == before
    assert apply(desk, level=4).status_code == 201
