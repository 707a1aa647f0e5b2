"""A workflow database with a million cases, made by the server itself: twenty departments of a hundred items each.

One department leads three tenths of all cases, one has a part in one of two thousand, each case passes through two
departments. Nine in ten are closed, 4 % are at work and are the newest; 0.1 % stand in a state hardly ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from bench.ours import item
from chassis.db import Database
from contracts.item import Item, PlanStep
from services.workflow.adapters.durations import add_durations
from services.workflow.adapters.items import keep_item
from services.workflow.domain.deadline import law_date
from services.workflow.domain.history import WHOLE_CASE, quarter_of

DEPARTMENTS, ITEMS_EACH = 20, 100
BIG, MIDDLE, SMALL = "d01", "d07", "archives"
APPLICANTS = 300_000
BUSY_APPLICANT = "p-0"
CHUNK = 100_000
FILLED = ("cases", "tasks", "opinions")
RUNNING_SHARE = 0.04


def item_code(number: int) -> str:
    """31 characters, as an item's code has."""
    return f"11370800MB285591844{number:012d}"


def _published(number: int) -> Item:
    """Accepted, looked at by another department, decided."""
    lead = f"d{number // ITEMS_EACH + 1:02d}"
    like = PlanStep(
        step="accept", name="受理", name_en="Accept", department=lead, kind="acceptance", limit_working_days=5
    )
    plan = (
        like,
        msgspec.structs.replace(like, step="d1", name="意见", kind="opinion", department="any", after=("accept",)),
        msgspec.structs.replace(like, step="decide", name="决定", kind="decision", after=("d1",)),
    )
    return msgspec.structs.replace(
        item(), item_code=item_code(number), name=f"事项{number}", lead_department=lead, plan=plan
    )


_ITEMS = """
CREATE TABLE bench_items AS
SELECT k, '11370800MB285591844' || lpad(k::text, 12, '0') AS code, 'd' || lpad((k / 100 + 1)::text, 2, '0') AS department
FROM generate_series(0, {items} - 1) k
"""
# a case: its number, its item, its state by its age and a fixed draw out of a thousand
_PLANNED = """
CREATE TABLE bench_cases AS
SELECT n, i.code, i.department,
    CASE WHEN n % 2000 = 7 THEN 'archives' ELSE 'd' || lpad((1 + (k * 7 + 3) % 20)::text, 2, '0') END AS other,
    i.code || to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') || lpad(n::text, 7, '0') AS case_no,
    CASE WHEN n % 2000 = 0 THEN 'p-0' ELSE 'p-' || abs(hashint4(n + 5)::bigint) % {applicants} END AS party,
    at, draw,
    CASE WHEN n > {running_from} THEN
        CASE WHEN draw < 100 THEN 'received' WHEN draw < 650 THEN 'under_examination'
            WHEN draw < 760 THEN 'awaiting_correction' WHEN draw < 790 THEN 'special_procedure'
            WHEN draw < 860 THEN 'approved' ELSE 'closed' END
    ELSE
        CASE WHEN draw < 925 THEN 'closed' WHEN draw < 955 THEN 'denied' WHEN draw < 975 THEN 'withdrawn'
            WHEN draw < 985 THEN 'not_accepted' WHEN draw < 997 THEN 'deemed_withdrawn'
            WHEN draw < 998 THEN 'terminated' ELSE 'under_examination' END
    END AS state
FROM (
    SELECT n, now() - ({rows} - n) * (interval '730 days' / {rows}) AS at, (abs(hashint4(n)::bigint) % 1000)::int AS draw,
        CASE WHEN abs(hashint4(n + 13)::bigint) % 10 < 3 THEN abs(hashint4(n + 29)::bigint) % 100
            ELSE 100 + abs(hashint4(n + 29)::bigint) % ({items} - 100) END AS k
    FROM generate_series(1, {rows}) n
) drawn JOIN bench_items i USING (k)
"""
_OPEN = "('received', 'under_examination', 'awaiting_correction', 'special_procedure', 'approved')"
_CASES = f"""
INSERT INTO cases (case_no, item_code, item_version, applicant_id, submitted_by, channel, form, state, submitted_at, accept_by,
    accepted_on, due_on, provisional, correction_used, decided_at, decided_by, licence_no, closed_at, version, event_seq)
SELECT case_no, code, 1, party, party, 'web', '{{"plate": "鲁A00001", "seats": 30, "route": "小学东门至西庄"}}', state, at,
    at::date + 7,
    CASE WHEN state NOT IN ('received', 'not_accepted', 'withdrawn') THEN at::date + 2 END,
    CASE WHEN state NOT IN ('received', 'not_accepted', 'withdrawn') THEN at::date + 22 + draw %% 9 END,
    false, draw %% 5 = 0,
    CASE WHEN state IN ('closed', 'approved', 'denied') THEN at + interval '12 days' END, department,
    CASE WHEN state = 'closed' THEN 'L' || case_no END,
    CASE WHEN state NOT IN {_OPEN} THEN at + interval '15 days' END, 6, 12
FROM bench_cases WHERE n > %(start)s AND n <= %(end)s
"""
_TASKS = """
INSERT INTO tasks (task_id, case_no, step, step_name, kind, round, department, state, due_on, assigned_at, acknowledged_at,
    ring_at, rings, closed_at, assignee, item_code, submitted_at, first_of_department)
SELECT case_no || '-' || step || '-1', case_no, step, step, kind, 1,
    CASE WHEN step = 'd1' THEN other ELSE department END, CASE WHEN is_open THEN 'open' ELSE 'answered' END,
    at::date + offset_days + draw %% 7, at + offset_days * interval '1 day',
    CASE WHEN NOT is_open OR draw %% 3 > 0 THEN at + offset_days * interval '1 day' + interval '1 hour' END,
    at, 1, CASE WHEN NOT is_open THEN at + offset_days * interval '1 day' + interval '20 hours' END,
    CASE WHEN draw %% 4 = 0 THEN 'officer-' || draw %% 40 END, code, at,
    step <> 'decide' AND (step = 'accept' OR other <> department)
FROM bench_cases CROSS JOIN LATERAL (VALUES
    ('accept', 'acceptance', 3, state = 'received'),
    ('d1', 'opinion', 6, state IN ('under_examination', 'special_procedure') AND draw %% 2 = 0),
    ('decide', 'decision', 10, state IN ('under_examination', 'special_procedure') AND draw %% 2 = 1)
) AS v (step, kind, offset_days, is_open)
WHERE n > %(start)s AND n <= %(end)s AND (step = 'accept' OR state <> 'received')
    AND (step <> 'decide' OR is_open OR state IN ('closed', 'approved', 'denied'))
"""
_OPINIONS = """
INSERT INTO opinions (task_id, case_no, verdict, reason, defects, officer, account_id, given_at)
SELECT task_id, case_no, 'agree', '', '[]', '经办人', 'officer-1', closed_at FROM tasks
WHERE state = 'answered'
"""


def fill(database: Database, url: str, rows: int) -> None:
    """Publish the items, then make the cases with their tasks and opinions; indexes come after, then VACUUM ANALYZE."""
    codes = [item_code(number) for number in range(DEPARTMENTS * ITEMS_EACH)]
    with database.transaction() as tx:
        for number in range(len(codes)):
            keep_item(tx, _published(number), date(2020, 1, 1))
        quarter = quarter_of(law_date(tx.now))
        steps = [WHOLE_CASE, *(step.step for step in _published(0).plan)]
        history = {(code, step, quarter - back, number): 3 for code in codes[:5] for step in steps
                   for back in range(5) for number in range(10, 45)}  # fmt: skip
        add_durations(tx, history)
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET synchronous_commit = off")
        connection.execute(_ITEMS.format(items=len(codes)))
        planned = _PLANNED.format(
            rows=rows, items=len(codes), applicants=APPLICANTS, running_from=int(rows * (1 - RUNNING_SHARE))
        )
        connection.execute(planned)
        with _without_indexes(connection):
            for statement in (_CASES, _TASKS):
                for start in range(0, rows, CHUNK):
                    connection.execute(statement, {"start": start, "end": start + CHUNK})
            connection.execute(_OPINIONS)
        connection.execute("DROP TABLE bench_cases, bench_items")
        connection.execute("VACUUM ANALYZE")


@contextmanager
def _without_indexes(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Indexes that keep no key are made when the rows are there: one sort instead of a million searches."""
    found = connection.execute(
        "SELECT i.relname, pg_get_indexdef(x.indexrelid) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
        " JOIN pg_class t ON t.oid = x.indrelid WHERE t.relname = ANY(%s) AND NOT x.indisunique",
        [list(FILLED)],
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in found:
        connection.execute(definition)
