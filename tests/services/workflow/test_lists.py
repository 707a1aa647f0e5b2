"""Lists and searches: what each role finds, in which order, and in how many statements."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from chassis import clock
from chassis.auth import Principal
from contracts.rights import ROLES, scopes_of
from services.workflow.domain.deadline import law_date
from services.workflow.models import cases, db, tasks
from services.workflow.queries import page
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, assert_refused, everything

OTHER_ITEM = ITEM_CODE[:-1] + "9"
LISTS = (
    "/api/v1/cases",
    "/api/v1/cases/export",
    "/api/v1/worklist",
    "/api/v1/worklist/counts",
    "/api/v1/worklist/export",
)


def staff(desk: Desk, kind: str = "officer", department: str | None = "education", sub: str = "li") -> dict[str, str]:
    place = {"dept": department} if department else {}
    return desk.tokens.headers(scopes_of(kind), kind=kind, sub=sub, name=sub, **place)


def principal_of(kind: str, department: str | None = None) -> Principal:
    scopes = frozenset(scopes_of(kind).split())
    return Principal(subject="li", name="li", kind=kind, scopes=scopes, party="li", department=department)


def ask(desk: Desk, path: str, headers: dict[str, str], status: int = 200) -> Any:
    answer: Any = desk.client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json


def numbers(desk: Desk, headers: dict[str, str], query: str = "") -> list[str]:
    return [case["case_no"] for case in ask(desk, f"/api/v1/cases{query}", headers)["cases"]]


def work(desk: Desk, headers: dict[str, str], query: str = "") -> list[str]:
    return [task["task_id"] for task in ask(desk, f"/api/v1/worklist{query}", headers)["tasks"]]


def in_shanghai(moment: str) -> str:
    return law_date(datetime.fromisoformat(moment)).isoformat()


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that are executed within."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement != "BEGIN":
            seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def later(desk: Desk, days: int) -> None:
    clock.advance(desk.clock_file, timedelta(days=days))


def withdraw(desk: Desk, case_no: str) -> None:
    headers = desk.citizen() | {"Idempotency-Key": f"w-{case_no}"}
    answer = desk.client.post(f"/api/v1/cases/{case_no}/withdrawal", json={"reason": "不办了"}, headers=headers)
    assert answer.status_code == 200, answer.json


@pytest.fixture
def three(desk: Desk) -> list[str]:
    """Three cases, two days apart: accepted, withdrawn, new and of another item."""
    desk.publish(msgspec.structs.replace(make_item(), item_code=OTHER_ITEM))
    made = [desk.new_case()]
    desk.agree(made[0], ("education", "accept"))
    later(desk, 2)
    made.append(desk.new_case())
    withdraw(desk, made[1])
    later(desk, 2)
    receipt = desk.receipt("application", item_code=OTHER_ITEM)
    made.append(str(desk.submit(item_code=OTHER_ITEM, materials=[receipt]).json["case_no"]))
    return made


def test_who_may_list_what(desk: Desk, three: list[str]) -> None:
    """Every role, over every list: own, others', none."""
    newest_first = three[::-1]
    assert numbers(desk, desk.citizen()) == newest_first
    assert numbers(desk, desk.citizen(sub="p-9", party="org-9")) == []
    assert numbers(desk, desk.citizen(items=[OTHER_ITEM])) == [three[2]]
    assert numbers(desk, staff(desk)) == newest_first
    assert numbers(desk, staff(desk, department="police")) == [three[0]]
    assert numbers(desk, staff(desk, department="health")) == []
    assert numbers(desk, staff(desk, "supervisor", None)) == newest_first
    assert work(desk, staff(desk)) == [f"{three[2]}-accept-1"]
    assert work(desk, staff(desk, department="police")) == [f"{three[0]}-police_opinion-1"]
    assert work(desk, staff(desk, department="health")) == []
    assert ask(desk, "/api/v1/worklist/counts", staff(desk, department="health"))["open"] == 0


def test_a_role_without_the_right_gets_no_list_and_nothing_changes(desk: Desk) -> None:
    desk.new_case()
    before = everything()
    for role, path in itertools.product(ROLES, LISTS):
        needed = "cases:read" if "cases" in path else "tasks:read"
        department = "education" if role in ("officer", "department") else None
        answer = desk.client.get(path, headers=staff(desk, role, department))
        if needed in scopes_of(role).split():
            assert answer.status_code == 200, answer.text
        else:
            assert_refused(answer, 403, "scope_missing", before)


def test_conditions_hold_together(desk: Desk, three: list[str]) -> None:
    officer = staff(desk)
    day = in_shanghai(ask(desk, f"/api/v1/cases/{three[1]}", officer)["submitted_at"])
    asked = {
        "?state=under_examination": [three[0]],
        "?state=withdrawn": [three[1]],
        "?state=withdrawn&item_code=" + OTHER_ITEM: [],
        "?item_code=" + OTHER_ITEM: [three[2]],
        f"?item_code={ITEM_CODE}": [three[1], three[0]],
        f"?case_no={three[0]}": [three[0]],
        f"?case_no={ITEM_CODE.lower()}": [three[1], three[0]],
        f"?submitted_from={day}&submitted_to={day}": [three[1]],
        f"?submitted_to={day}": [three[1], three[0]],
        "?sort=due": [three[0]],
        "?due_within_days=300": [three[0]],
        "?overdue=true": [],
        "?department=education": three[::-1],
        "?department=police": [],
    }
    assert {query: numbers(desk, officer, query) for query in asked} == asked
    supervisor = staff(desk, "supervisor", None)
    assert numbers(desk, supervisor, "?department=police") == [three[0]]
    later(desk, 60)
    assert numbers(desk, supervisor, "?overdue=true") == numbers(desk, desk.citizen(), "?overdue=true") == [three[0]]


def test_conditions_that_mean_nothing_are_refused(desk: Desk) -> None:
    before = everything()
    for query in ("state=lost", "case_no=%25", "item_code=x", "sort=oldest", "due_within_days=-1", "submitted_from=x",
                  "limit=0", "limit=201"):  # fmt: skip
        answer = desk.client.get(f"/api/v1/cases?{query}", headers=staff(desk))
        assert_refused(answer, 422, "invalid_input", before)


def test_places_that_are_none_are_refused(desk: Desk) -> None:
    before = everything()
    for state in ("open", "answered"):
        for after in ("x", "2026-11-26", "x~y", "2026-11-26~", "2026-11-26T00:00:00~x", "2026-11-26~%00"):
            answer = desk.client.get(f"/api/v1/worklist?state={state}&after={after}", headers=staff(desk))
            assert_refused(answer, 422, "invalid_input", before)


def test_work_is_sorted_by_its_last_day_and_filtered(desk: Desk, three: list[str]) -> None:
    police = staff(desk, department="police")
    later(desk, 1)
    fourth = desk.new_case()
    desk.agree(fourth, ("education", "accept"))
    both = [f"{three[0]}-police_opinion-1", f"{fourth}-police_opinion-1"]
    assert work(desk, police) == both
    shown = ask(desk, "/api/v1/worklist", police)["tasks"]
    assert [task["due_on"] for task in shown] == sorted(task["due_on"] for task in shown)
    assigned_on, today = in_shanghai(shown[1]["assigned_at"]), law_date(clock.now())
    due_on = today + timedelta(days=9)
    with db.transaction() as tx:
        tx.execute(sa.update(tasks).where(tasks.c.task_id == both[0]).values(due_on=today))
        tx.execute(sa.update(tasks).where(tasks.c.task_id == both[1]).values(assignee="li", due_on=due_on))
    asked = {
        f"?item_code={ITEM_CODE}": both,
        f"?item_code={OTHER_ITEM}": [],
        "?kind=opinion": both,
        "?kind=decision": [],
        "?step=police_opinion": both,
        "?officer=me": [both[1]],
        "?officer=wang": [],
        f"?case_no={fourth}": [both[1]],
        f"?assigned_on={assigned_on}": [both[1]],
        "?assigned_on=0001-01-01": [],
        "?assigned_on=9999-12-31": [],
        f"?due_on={due_on}": [both[1]],
        f"?due_from={due_on}": [both[1]],
        "?due_within_days=0": [both[0]],
        "?due_within_days=30": both,
        "?overdue=true": [],
        "?unacknowledged=true": both,
        "?state=answered": [],
    }
    assert {query: work(desk, police, query) for query in asked} == asked
    counts = ask(desk, "/api/v1/worklist/counts", police)
    assert (counts["open"], counts["new"], counts["more"]) == (2, 2, False)
    assert (counts["overdue"], counts["due_today"], counts["due_soon"]) == (0, 1, 0)
    named = {"item_name": "校车使用许可", "item_name_en": "School bus permit"}
    assert counts["items"] == [{"item_code": ITEM_CODE, "tasks": 2, **named}]
    [step] = counts["steps"]
    assert (step["step"], step["step_name_en"], step["tasks"]) == ("police_opinion", "police opinion", 2)
    later(desk, 40)
    assert ask(desk, "/api/v1/worklist/counts", police)["overdue"] == 2
    assert work(desk, police, "?overdue=true") == both


def test_answered_work_names_who_answered(desk: Desk) -> None:
    case_no = desk.new_case()
    headers = staff(desk) | {"Idempotency-Key": "o"}
    desk.client.post(f"/api/v1/tasks/{case_no}-accept-1/opinion", json={"verdict": "agree"}, headers=headers)
    [task] = ask(desk, "/api/v1/worklist?state=answered&officer=me", staff(desk))["tasks"]
    assert (task["verdict"], task["officer"], task["case_state"]) == ("agree", "li", "under_examination")
    assert work(desk, staff(desk), "?state=answered&officer=wang") == []


def test_pages_follow_each_other_without_gap_or_repetition(desk: Desk) -> None:
    made = [desk.new_case() for _ in range(5)]
    for case_no in made[:3]:
        desk.agree(case_no, ("education", "accept"))
    officer = staff(desk)
    for path, rows, place in (
        ("/api/v1/cases?", "cases", "before"),
        ("/api/v1/cases?sort=due&", "cases", "before"),
        ("/api/v1/worklist?", "tasks", "after"),
        ("/api/v1/worklist?state=answered&", "tasks", "after"),
    ):
        whole = ask(desk, path, officer)[rows]
        found, query = [], path + "limit=2"
        while query:
            answer = ask(desk, query, officer)
            assert len(answer[rows]) <= 2
            found += answer[rows]
            query = f"{path}limit=2&{place}={answer['next'].replace('+', '%2B')}" if answer["next"] else ""
        assert found == whole, path


def test_a_page_is_one_statement_however_many_conditions(desk: Desk, three: list[str]) -> None:
    queries = {
        "/api/v1/cases": 1,
        f"/api/v1/cases?state=withdrawn&item_code={ITEM_CODE}&before={three[2]}": 1,
        "/api/v1/cases?sort=due&department=education": 1,
        "/api/v1/worklist?kind=opinion&due_within_days=9": 1,
        "/api/v1/worklist/counts": 2,
    }
    officer = staff(desk)
    for path, most in queries.items():
        ask(desk, path, officer)  # items are read once per process
        with statements() as seen:
            ask(desk, path, officer)
        assert len(seen) == most, (path, seen)


def test_export_is_the_whole_list_with_the_same_rights(
    desk: Desk, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "EXPORT_PAGE", 1)
    for module in ("case_list", "worklist"):
        monkeypatch.setattr(f"services.workflow.queries.{module}.EXPORT_PAGE", 1)

    def lines(path: str, headers: dict[str, str]) -> list[list[str]]:
        answer = desk.client.get(path, headers=headers)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        assert "attachment" in answer.headers["Content-Disposition"]
        text = answer.text
        assert text.startswith("\ufeff")
        return list(csv.reader(io.StringIO(text[1:])))

    head, *rows = lines("/api/v1/cases/export", staff(desk))
    assert head[0] == "办件号 / Case"
    assert [row[0] for row in rows] == three[::-1]
    assert [row[0] for row in lines("/api/v1/cases/export?state=withdrawn", staff(desk))[1:]] == [three[1]]
    assert lines("/api/v1/cases/export", staff(desk, department="health"))[1:] == []
    assert [row[0] for row in lines("/api/v1/cases/export", desk.citizen())[1:]] == three[::-1]
    assert [row[0] for row in lines("/api/v1/worklist/export", staff(desk))[1:]] == [three[2]]
    assert lines("/api/v1/worklist/export?state=answered", staff(desk, department="police"))[1:] == []


def test_cells_that_a_spreadsheet_would_run_are_kept_from_it(desk: Desk) -> None:
    desk.publish(make_item(version=2))
    with db.transaction() as tx:
        desk_item = msgspec.structs.replace(make_item(version=3), name="=HYPERLINK(1)")
        from services.workflow.adapters.items import keep_item  # the catalogue would refuse such a name

        keep_item(tx, desk_item, clock.now().date())
    desk.new_case()
    text = desk.client.get("/api/v1/cases/export", headers=staff(desk)).text
    assert "'=HYPERLINK(1)" in text


def test_first_task_of_a_department_in_a_case_is_marked_once(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"), ("police", "police_opinion"), ("transport", "transport_opinion"))
    t = tasks.c
    with db.read() as connection:
        rows = connection.execute(sa.select(t.department, t.step, t.first_of_department, t.item_code, t.submitted_at))
        found = {(row.department, row.step): row for row in rows}
        submitted_at = connection.execute(sa.select(cases.c.submitted_at)).scalar_one()
    assert {key: row.first_of_department for key, row in found.items()} == {
        ("education", "accept"): True,
        ("police", "police_opinion"): True,
        ("transport", "transport_opinion"): True,
        ("education", "examine"): False,
    }
    assert {(row.item_code, row.submitted_at) for row in found.values()} == {(ITEM_CODE, submitted_at)}
    assert numbers(desk, staff(desk)) == [case_no]
