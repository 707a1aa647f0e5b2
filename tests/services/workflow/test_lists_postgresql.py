"""Lists on a real PostgreSQL: which index each is read from; an older database is brought up to them; learning at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from chassis import clock
from chassis.migrate import config_for, upgrade
from services.workflow.adapters import gauges
from services.workflow.domain.deadline import law_date
from services.workflow.jobs import JOBS
from services.workflow.models import cases, db, decisions, durations, tasks
from services.workflow.queries import case_list, worklist
from services.workflow.queries.case_list import CaseFilter
from services.workflow.queries.worklist import TaskFilter
from services.workflow.service import SERVICE
from tests.factories.items import ITEM_CODE
from tests.services.workflow.conftest import Desk, make_desk, together
from tests.services.workflow.test_lists import numbers, principal_of, staff, work

AT_ONCE = 4


@pytest.fixture
def desk(postgresql_url: str, tmp_path: Path) -> Iterator[Desk]:
    yield from make_desk(tmp_path, postgresql_url)
    db.engine.dispose()


def plan_of(statement: sa.Select[Any]) -> str:
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, text: str, parameters: Any, *_: Any) -> None:
        seen.append((text, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    with db.read() as connection:
        connection.execute(statement).fetchall()
        sa.event.remove(db.engine, "before_cursor_execute", note)
        [(text, parameters)] = seen
        return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {text}", parameters))


def test_gauges_are_counted_from_indexes_that_hold_what_is_open(desk: Desk) -> None:
    made = [desk.new_case() for _ in range(3)]
    desk.agree(made[0], ("education", "accept"))
    today = sa.literal(law_date(clock.now()))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")  # what has not changed for a while is known to be visible to all
    plans = {
        "running_cases": gauges.RUNNING,
        "open_tasks": gauges.TASKS.params(today=today.value),
        "cases_to_wake": gauges.DUE.params(today=today.value),
        "appointments_only_open_key": gauges.BOOKED,
    }
    for index, statement in plans.items():
        plan = plan_of(statement)
        assert f"Index Only Scan using {index} on" in plan, plan
        assert "Seq Scan" not in plan, plan


def test_lists_are_read_from_their_indexes_and_find_the_same_as_on_sqlite(desk: Desk) -> None:
    made = [desk.new_case() for _ in range(3)]
    for case_no in made[:2]:
        desk.agree(case_no, ("education", "accept"))
    assert numbers(desk, staff(desk, department="police")) == made[1::-1]
    assert numbers(desk, staff(desk), f"?case_no={ITEM_CODE}&state=under_examination") == made[1::-1]
    assert numbers(desk, staff(desk, "supervisor", None), "?sort=due") == made[:2]
    assert work(desk, staff(desk, department="police")) == [f"{case_no}-police_opinion-1" for case_no in made[:2]]
    officer, supervisor = principal_of("officer", "police"), principal_of("supervisor")
    asked = {
        "open_tasks": worklist.list_statement(officer, TaskFilter()),
        "answered_tasks": worklist.list_statement(officer, TaskFilter(state="answered")),
        "department_cases": case_list.list_statement(officer, CaseFilter()),
        "cases_by_time": case_list.list_statement(supervisor, CaseFilter()),
        "cases_by_state": case_list.list_statement(supervisor, CaseFilter(state="denied")),
        "cases_of_item": case_list.list_statement(supervisor, CaseFilter(item_code=ITEM_CODE)),
        "running_cases": case_list.list_statement(supervisor, CaseFilter(overdue=True)),
    }
    for index, statement in asked.items():
        plan = plan_of(statement)
        assert f"using {index} on" in plan, plan
        assert "Sort" not in plan or index == "answered_tasks", plan  # which lacks the last word of the order
        assert "Seq Scan" not in plan, plan


def test_processes_that_learn_at_once_count_each_case_once(desk: Desk) -> None:
    for _ in range(AT_ONCE):
        case_no = desk.new_case()
        desk.agree(case_no, ("education", "accept"), ("police", "police_opinion"), ("transport", "transport_opinion"))
        desk.agree(case_no, ("education", "examine"), ("county_government", "decide"))
    clock.advance(desk.clock_file, timedelta(minutes=1))
    [job] = [job for job in JOBS if job.name == "workflow.learn_durations"]
    together(*[job.run] * AT_ONCE)
    with db.read() as connection:
        assert connection.execute(sa.select(sa.func.sum(durations.c.cases))).scalar_one() == AT_ONCE * 6
        assert set(connection.execute(sa.select(decisions.c.learnt)).scalars()) == {True}


def test_a_database_of_an_older_version_gets_its_lists(postgresql_url: str, tmp_path: Path) -> None:
    assert_upgraded(postgresql_url, tmp_path)


def test_a_file_of_an_older_version_gets_its_lists(tmp_path: Path) -> None:
    assert_upgraded(f"sqlite:///{tmp_path}/old.sqlite", tmp_path)


def assert_upgraded(url: str, _folder: Path) -> None:
    """Rows of version 0006 have what the lists are read from afterwards."""
    db.bind(url)
    config = config_for(SERVICE.migrations)
    config.attributes["database"] = db
    command.upgrade(config, "0006")
    case_no, now = ITEM_CODE + "202601010001", clock.now()
    with db.writing() as connection:
        case = {
            "case_no": case_no, "item_code": ITEM_CODE, "item_version": 1, "applicant_id": "p", "submitted_by": "p",
            "channel": "web", "form": {}, "state": "approved", "submitted_at": now, "accept_by": now.date(),
            "provisional": False, "correction_used": False, "version": 1, "event_seq": 1,
        }  # fmt: skip
        connection.execute(sa.insert(cases), [case])
        given = {
            "case_no": case_no, "step_name": "环节", "kind": "opinion", "round": 1, "due_on": now.date(), "ring_at": now,
            "rings": 1, "state": "answered",
        }  # fmt: skip
        old = sa.table("tasks", *(sa.column(name) for name in (*given, "task_id", "step", "department", "assigned_at")))
        for step, department, minutes in (("a", "education", 0), ("b", "police", 1), ("c", "education", 2)):
            assigned_at = sa.literal(now + timedelta(minutes=minutes), tasks.c.assigned_at.type)
            named = {"task_id": f"{case_no}-{step}-1", "step": step, "department": department}
            connection.execute(sa.insert(old).values(**given | named, assigned_at=assigned_at))
    upgrade(db, SERVICE.migrations)
    t = tasks.c
    with db.read() as connection:
        found = connection.execute(
            sa.select(t.step, t.item_code, t.submitted_at, t.first_of_department).order_by(t.step)
        ).fetchall()
    assert [tuple(row) for row in found] == [
        ("a", ITEM_CODE, now, True),
        ("b", ITEM_CODE, now, True),
        ("c", ITEM_CODE, now, False),
    ]
    db.engine.dispose()
