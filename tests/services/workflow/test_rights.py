"""Rights over cases: whoever examined a case does not decide it, and a delegation goes as far as its items."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from contracts.rights import scopes_of
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, assert_refused, everything

OTHER_ITEM = ITEM_CODE[:-1] + "9"


def officer(desk: Desk, account: str, department: str = "education") -> dict[str, str]:
    return desk.tokens.headers(scopes_of("officer"), kind="officer", dept=department, sub=account, name=account)


def give(desk: Desk, account: str, task_id: str, verdict: str = "agree", **body: Any) -> Any:
    headers = officer(desk, account) | {"Idempotency-Key": f"{account}-{task_id}-{verdict}"}
    return desk.client.post(f"/api/v1/tasks/{task_id}/opinion", json={"verdict": verdict} | body, headers=headers)


@pytest.fixture
def case_no(desk: Desk) -> str:
    """A case of an item that one department accepts, examines and decides; it waits for the examination."""
    item = make_item(version=2, opinions=(), delivery=False)
    plan = tuple(msgspec.structs.replace(step, department="education") for step in item.plan)
    desk.publish(msgspec.structs.replace(item, plan=plan))
    made = desk.new_case()
    assert give(desk, "wang", f"{made}-accept-1").status_code == 200
    return made


def test_the_officer_who_examined_a_case_does_not_decide_it_but_a_colleague_may(desk: Desk, case_no: str) -> None:
    assert give(desk, "li", f"{case_no}-examine-1").status_code == 200
    before = everything()
    for verdict, reason in (("agree", ""), ("disagree", "不符合条件")):
        refused = give(desk, "li", f"{case_no}-decide-1", verdict, reason=reason)
        assert_refused(refused, 403, "decider_is_examiner", before)
    decided = give(desk, "wang", f"{case_no}-decide-1")  # who accepted it has not examined it
    assert (decided.status_code, decided.json["case_state"]) == (200, "approved")


def test_who_examined_an_earlier_round_does_not_decide_either(desk: Desk, case_no: str) -> None:
    defects = [{"material_code": "application", "problem": "缺页"}]
    assert give(desk, "li", f"{case_no}-examine-1", "correction_needed", defects=defects).status_code == 200
    corrected = {"materials": [desk.receipt("application")]}
    headers = desk.citizen() | {"Idempotency-Key": "c"}
    answer = desk.client.post(f"/api/v1/cases/{case_no}/corrections", json=corrected, headers=headers)
    assert answer.status_code == 200, answer.json
    assert give(desk, "zhao", f"{case_no}-examine-2").status_code == 200
    before = everything()
    for account in ("li", "zhao"):
        assert_refused(give(desk, account, f"{case_no}-decide-1"), 403, "decider_is_examiner", before)


def test_a_departments_own_system_separates_them_inside(desk: Desk, case_no: str) -> None:
    desk.agree(case_no, ("education", "examine"), ("education", "decide"))
    assert desk.show(case_no)["state"] == "approved"


def test_the_name_of_the_officer_is_the_tokens_and_not_what_the_request_says(desk: Desk, case_no: str) -> None:
    assert give(desk, "li", f"{case_no}-examine-1", officer="somebody else").status_code == 200
    [task] = [task for task in desk.show(case_no)["tasks"] if task["step"] == "examine"]
    assert task["officer"] == "li"


def test_a_delegate_for_other_items_sees_none_of_these_cases_and_changes_none(desk: Desk) -> None:
    case_no, draft_id = desk.new_case(), desk.new_draft()
    before = everything()
    limited = {"items": [OTHER_ITEM]}
    headers = desk.citizen(**limited) | {"Idempotency-Key": "x"}
    assert desk.client.get("/api/v1/cases", headers=headers).json["cases"] == []
    assert desk.drafts(**limited) == []
    application = {"item_code": ITEM_CODE, "form": {"plate": "鲁A12345"}, "materials": [desk.receipt("application")]}
    saved = {"form": {}, "materials": {}, "step": "form", "version": 1}
    asked = [
        ("GET", f"/api/v1/cases/{case_no}", None, 404, "not_found"),
        ("POST", f"/api/v1/cases/{case_no}/withdrawal", {"reason": "x"}, 404, "not_found"),
        (
            "POST",
            f"/api/v1/cases/{case_no}/corrections",
            {"materials": [desk.receipt("application")]},
            404,
            "not_found",
        ),
        ("POST", "/api/v1/cases", application, 403, "item_not_delegated"),
        ("POST", "/api/v1/drafts", {"item_code": ITEM_CODE}, 403, "item_not_delegated"),
        ("GET", f"/api/v1/drafts/{draft_id}", None, 404, "draft_unknown"),
        ("PUT", f"/api/v1/drafts/{draft_id}", saved, 404, "draft_unknown"),
        ("DELETE", f"/api/v1/drafts/{draft_id}", None, 404, "draft_unknown"),
    ]
    for method, path, body, status, code in asked:
        assert_refused(desk.client.open(path, method=method, json=body, headers=headers), status, code, before)
    free = desk.client.get(f"/api/v1/cases/{case_no}", headers=desk.citizen(items=[ITEM_CODE, OTHER_ITEM]))
    assert free.json["case_no"] == case_no


def test_a_delegate_does_not_delete_a_draft_of_another_item_by_handing_in_an_application(desk: Desk) -> None:
    desk.publish(msgspec.structs.replace(make_item(), item_code=OTHER_ITEM))
    other_draft = desk.start_draft(body={"item_code": OTHER_ITEM}).json["draft_id"]
    assert desk.submit(draft_id=other_draft).status_code == 201
    assert [draft["draft_id"] for draft in desk.drafts()] == [other_draft]
