"""One call shows a case whole, in the same number of statements whatever its size; and what is estimated from earlier cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
import sqlalchemy as sa

from chassis import clock
from services.workflow.adapters.durations import add_durations
from services.workflow.domain.deadline import SHANGHAI, law_date
from services.workflow.domain.estimate import FEWEST
from services.workflow.domain.history import WHOLE_CASE, class_of, quarter_of
from services.workflow.domain.states import CaseState
from services.workflow.models import case_materials, db, decisions, durations, tasks
from services.workflow.use_cases import learn_durations
from services.workflow.use_cases.learn_durations import worked
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk
from tests.services.workflow.test_lists import ask, later, staff, statements, withdraw

STEPS = ("accept", "police_opinion", "transport_opinion", "examine", "decide", "plate")


def whole(desk: Desk, case_no: str, headers: dict[str, str] | None = None) -> Any:
    return ask(desk, f"/api/v1/cases/{case_no}", headers or desk.citizen())


def correction(desk: Desk, case_no: str) -> None:
    """The police find a fault, transport does not: the notice goes out."""
    desk.agree(case_no, ("education", "accept"))
    defects = [{"material_code": "application", "problem": "缺页"}]
    answer = desk.answer("police", f"{case_no}-police_opinion-1", "correction_needed", defects=defects)
    assert answer.status_code == 200, answer.json
    desk.agree(case_no, ("transport", "transport_opinion"))


def learn() -> None:
    more = True
    while more:
        with db.transaction() as tx:
            more = learn_durations.learn_durations(tx)


def remember(cases: int, **hours: float) -> None:
    """As if so many cases had been decided."""
    quarter = quarter_of(law_date(clock.now()))
    with db.transaction() as tx:
        add_durations(tx, {(ITEM_CODE, step, quarter, class_of(taken)): cases for step, taken in hours.items()})


def test_a_case_is_read_in_as_many_statements_however_large_it_is(desk: Desk) -> None:
    small, large = desk.new_case(), desk.new_case()
    correction(desk, large)
    with db.transaction() as tx:
        [material] = tx.execute(sa.select(case_materials).where(case_materials.c.case_no == large)).mappings()
        [task] = tx.execute(sa.select(tasks).where(tasks.c.task_id == f"{large}-accept-1")).mappings()
        tx.execute(
            sa.insert(case_materials),
            [{**material, "position": 1000 + n, "material_id": f"m-{n}"} for n in range(200)],
        )
        tx.execute(
            sa.insert(tasks),
            [
                {**task, "task_id": f"{large}-accept-{n}", "round": n, "first_of_department": False}
                for n in range(2, 99)
            ],
        )
    remember(FEWEST, **dict.fromkeys(STEPS, 8.0))
    counted = {}
    for case_no in (small, large):
        whole(desk, case_no)
        with statements() as seen:
            answer = whole(desk, case_no)
        counted[case_no] = len(seen)
        assert (len(answer["tasks"]) > 90) == (case_no == large)
    assert counted[small] == counted[large] <= 8


def test_whoever_is_waited_for_is_said_and_what_the_reader_may_do(desk: Desk) -> None:
    case_no = desk.new_case()
    seen = whole(desk, case_no)
    [waiting] = seen["waiting_for"]
    assert (waiting["who"], waiting["what"], waiting["department"]) == ("department", "acceptance", "education")
    assert waiting["due_on"] == seen["tasks"][0]["due_on"]
    assert [action["action"] for action in seen["next_actions"]] == ["withdraw"]
    assert [a["action"] for a in whole(desk, case_no, staff(desk))["next_actions"]] == ["receive", "answer"]
    assert whole(desk, case_no, staff(desk, "supervisor", None))["next_actions"] == []
    correction(desk, case_no)
    seen = whole(desk, case_no)
    assert [(w["who"], w["what"]) for w in seen["waiting_for"]] == [("applicant", "correction")]
    assert {action["action"] for action in seen["next_actions"]} == {"correct", "withdraw"}
    assert seen["notice"]["correct_by"] == seen["next_actions"][0]["due_on"]
    assert seen["notice"]["defects"] == [
        {"department": "police", "material_code": "application", "name": "申请表", "problem": "缺页"}
    ]
    withdraw(desk, case_no)
    seen = whole(desk, case_no)
    assert (seen["waiting_for"], seen["estimate"]) == ([], None)
    assert [action["action"] for action in seen["next_actions"]] == ["rate"]


def test_every_clock_says_why(desk: Desk) -> None:
    case_no = desk.new_case()
    desk.agree(case_no, ("education", "accept"))
    seen = whole(desk, case_no)
    clocks = {(c["scope"], c["subject"]): c for c in seen["clocks"]}
    assert {scope for scope, _ in clocks} >= {"acceptance", "case_committed", "case_statutory", "task"}
    committed = clocks["case_committed", case_no]
    assert (committed["due_on"], committed["stopped"]) == (seen["due_on"], False)
    assert committed["rules"][0]["code"] == "start"
    assert committed["rules"][-1]["after"] == committed["due_on"]
    assert all(rule["source"] and " / " in rule["says"] for c in seen["clocks"] for rule in c["rules"])
    assert clocks["task", f"{case_no}-police_opinion-1"]["due_on"] == seen["tasks"][1]["due_on"]


def test_an_officer_sees_of_the_application_what_the_departments_tasks_need(desk: Desk) -> None:
    item = make_item(version=2)
    plan = tuple(
        msgspec.structs.replace(step, materials=("route_plan",), fields=("seats",))
        if step.department == "police"
        else step
        for step in item.plan
    )
    desk.publish(msgspec.structs.replace(item, plan=plan))
    made = desk.submit(
        form={"plate": "鲁A12345", "seats": 9}, materials=[desk.receipt("application"), desk.receipt("route_plan")]
    )
    case_no = str(made.json["case_no"])
    desk.agree(case_no, ("education", "accept"))
    for headers, form, codes in (
        (staff(desk), {"plate", "seats"}, {"application", "route_plan"}),
        (staff(desk, department="police"), {"seats"}, {"route_plan"}),
        (desk.citizen(), {"plate", "seats"}, {"application", "route_plan"}),
    ):
        seen = whole(desk, case_no, headers)
        assert (set(seen["form"]), {m["code"] for m in seen["materials"]}) == (form, codes)


def test_without_history_there_is_no_estimate_but_the_number_of_cases(desk: Desk) -> None:
    case_no = desk.new_case()
    remember(FEWEST - 1, **dict.fromkeys(STEPS, 8.0))
    estimate = whole(desk, case_no)["estimate"]
    assert (estimate["n"], estimate["fewest"]) == (FEWEST - 1, FEWEST)
    assert [estimate[name] for name in ("p50", "p80", "p95")] == [None] * 3


def test_the_estimate_comes_nearer_as_departments_answer_and_ends_with_the_decision(desk: Desk) -> None:
    case_no = desk.new_case()
    remember(50, accept=8, police_opinion=16, transport_opinion=80, examine=8, decide=8, plate=500)
    said = [whole(desk, case_no)["estimate"]["p80"]]
    for department, step in (("education", "accept"), ("transport", "transport_opinion"), ("police", "police_opinion")):
        desk.agree(case_no, (department, step))
        said.append(whole(desk, case_no)["estimate"]["p80"])
    assert said == sorted(said, reverse=True)
    assert said[2] < said[1]  # what takes longest is done
    desk.agree(case_no, ("education", "examine"), ("county_government", "decide"))
    assert whole(desk, case_no)["estimate"] is None


def test_decided_cases_are_learnt_once_and_shown_to_everybody(desk: Desk) -> None:
    made = [desk.new_case() for _ in range(FEWEST)]
    for case_no in made:
        desk.agree(case_no, ("education", "accept"))
    later(desk, 7)
    for case_no in made:
        desk.agree(case_no, ("police", "police_opinion"), ("transport", "transport_opinion"))
        desk.agree(case_no, ("education", "examine"), ("county_government", "decide"))
    withdraw(desk, desk.new_case())
    before: Any = desk.client.get(f"/api/v1/estimates/{ITEM_CODE}").json
    assert (before["n"], before["p50"]) == (0, None)
    for _ in range(2):
        learn()
        with db.read() as connection:
            d = durations.c
            by_step = sa.select(d.step, sa.func.sum(d.cases)).where(d.item_code == ITEM_CODE).group_by(d.step)
            counted = {step: int(n) for step, n in connection.execute(by_step)}
            assert connection.execute(sa.select(decisions.c.learnt)).scalars().all() == [True] * FEWEST
        assert counted == dict.fromkeys((WHOLE_CASE, *STEPS[:5]), FEWEST)
    shown: Any = desk.client.get(f"/api/v1/estimates/{ITEM_CODE}").json
    assert shown["n"] == FEWEST
    assert shown["committed_limit"] == {"amount": 11, "unit": "working_day"}
    by_step = {step["step"]: step for step in shown["steps"]}
    assert by_step["plate"]["p50"] is None
    assert by_step["decide"]["p95"] <= 0.2
    # seven days hold two to seven working days, by where the holidays are
    assert 0.0 < shown["p50"] <= 7.5
    assert abs(shown["p50"] - by_step["police_opinion"]["p50"]) < 0.5


def test_an_unknown_item_has_no_estimate(desk: Desk) -> None:
    answer: Any = desk.client.get("/api/v1/estimates/nothing")
    assert (answer.status_code, answer.json["code"]) == (404, "item_unknown")


def test_old_quarters_are_forgotten(desk: Desk) -> None:
    quarter = quarter_of(law_date(clock.now()))
    with db.transaction() as tx:
        add_durations(tx, {(ITEM_CODE, WHOLE_CASE, quarter - back, 20): 10 for back in range(9)})
    assert ask(desk, f"/api/v1/estimates/{ITEM_CODE}", {})["n"] == 50


class Move(NamedTuple):
    after: str
    at: datetime


@pytest.mark.parametrize(
    ("states", "hours"),
    [
        (["received", "under_examination", "approved", "closed"], [(1, 2)]),
        (["received", "under_examination", "awaiting_correction", "under_examination", "denied"], [(1, 2), (3, 4)]),
        (["received", "awaiting_correction", "received", "under_examination", "special_procedure", "under_examination",
          "special_procedure", "approved"], [(3, 4), (5, 6)]),
        (["received", "under_examination", "withdrawn"], []),
    ],
)  # fmt: skip
def test_time_in_which_the_clock_stands_still_is_no_work(states: list[str], hours: list[tuple[int, int]]) -> None:
    start = datetime(2026, 11, 2, 9, tzinfo=SHANGHAI).astimezone(UTC)
    moves = [Move(CaseState(state), start + timedelta(hours=n)) for n, state in enumerate(states)]
    begun, ended = worked(moves)
    found = [
        ((b - start) // timedelta(hours=1), (e - start) // timedelta(hours=1))
        for b, e in zip(begun, ended, strict=True)
    ]
    assert found == hours
