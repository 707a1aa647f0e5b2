"""What officers see: the department's work, done and to be done, and the cases it belongs to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from chassis import clock
from services.identity.domain.scopes import SCOPES
from services.workflow.models import db
from tests.factories.items import make_item
from tests.services.workflow.conftest import Desk, assert_refused, everything


def officer(desk: Desk, department: str) -> dict[str, str]:
    return desk.tokens.headers(SCOPES["officer"], kind="officer", dept=department, sub=f"officer-of-{department}")


def listed(desk: Desk, department: str, query: str = "") -> list[dict[str, Any]]:
    answer: Any = desk.client.get(f"/api/v1/tasks{query}", headers=officer(desk, department))
    assert answer.status_code == 200, answer.json
    return list(answer.json["tasks"])


def test_open_task_tells_since_when_and_under_which_version_of_the_guide(desk: Desk) -> None:
    desk.publish(make_item(version=2))
    case_no = desk.new_case()
    [task] = listed(desk, "education")
    assert task["assigned_at"] == desk.show(case_no)["submitted_at"]
    assert (task["item_version"], task["state"], task["verdict"], task["closed_at"]) == (2, "open", None, None)
    assert desk.client.get(f"/api/v1/tasks/{task['task_id']}", headers=officer(desk, "education")).json == task


def test_answered_tasks_are_the_departments_own_latest_first(desk: Desk) -> None:
    first, second = desk.new_case(), desk.new_case()
    desk.agree(second, ("education", "accept"))
    clock.advance(desk.clock_file, timedelta(minutes=1))
    desk.answer("education", f"{first}-accept-1", "disagree", reason="不属于本机关职权")
    assert [(t["case_no"], t["state"], t["verdict"]) for t in listed(desk, "education", "?state=answered")] == [
        (first, "answered", "disagree"),
        (second, "answered", "agree"),
    ]
    [latest, _] = listed(desk, "education", "?state=answered")
    assert latest["closed_at"] == desk.show(first)["tasks"][0]["closed_at"]
    assert listed(desk, "police", "?state=answered") == []
    assert listed(desk, "education") == []
    assert [t["step"] for t in listed(desk, "police", "?state=open")] == ["police_opinion"]


def test_task_that_was_cancelled_is_neither_open_nor_answered(desk: Desk) -> None:
    case_no = desk.new_case()
    headers = desk.citizen() | {"Idempotency-Key": "w"}
    desk.client.post(f"/api/v1/cases/{case_no}/withdrawal", json={"reason": "不办了"}, headers=headers)
    assert listed(desk, "education") == listed(desk, "education", "?state=answered") == []


def test_no_more_answered_tasks_than_a_page_are_listed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.workflow.queries.tasks.PAGE", 2)
    case_nos = []
    for _ in range(3):
        case_nos.append(desk.new_case())
        desk.agree(case_nos[-1], ("education", "accept"))
    assert [t["case_no"] for t in listed(desk, "education", "?state=answered")] == case_nos[:0:-1]


def test_state_that_is_none_is_refused(desk: Desk) -> None:
    before = everything()
    answer = desk.client.get("/api/v1/tasks?state=lost", headers=officer(desk, "education"))
    assert_refused(answer, 422, "invalid_input", before)


@pytest.mark.parametrize(("state", "index"), [("open", "open_tasks"), ("answered", "answered_tasks")])
def test_lists_of_tasks_are_read_from_their_index(desk: Desk, state: str, index: str) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    listed(desk, "education", f"?state={state}")
    sa.event.remove(db.engine, "before_cursor_execute", note)
    [(statement, parameters)] = [(text, given) for text, given in asked if "FROM tasks" in text]
    with db.read() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert [step for step in plan if "tasks" in step] == [f"SEARCH tasks USING INDEX {index} (department=?)"]
    assert not any("ORDER BY" in step for step in plan)


def test_officers_see_the_cases_that_their_department_works_on_and_no_others(desk: Desk) -> None:
    case_no = desk.new_case()
    before = everything()
    seen: Any = desk.client.get(f"/api/v1/cases/{case_no}", headers=officer(desk, "education"))
    assert (seen.status_code, seen.json["case_no"]) == (200, case_no)
    unseen = desk.client.get(f"/api/v1/cases/{case_no}", headers=officer(desk, "police"))
    assert_refused(unseen, 404, "not_found", before)
    desk.agree(case_no, ("education", "accept"))
    assert desk.client.get(f"/api/v1/cases/{case_no}", headers=officer(desk, "police")).status_code == 200


def test_officers_list_the_cases_of_their_department(desk: Desk) -> None:
    case_no = desk.new_case()
    listed_cases = {
        department: desk.client.get("/api/v1/cases", headers=officer(desk, department)).json["cases"]  # type: ignore[index]
        for department in ("education", "police")
    }
    assert [case["case_no"] for case in listed_cases["education"]] == [case_no]
    assert listed_cases["police"] == []
