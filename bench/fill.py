"""Fill a platform's databases with clones of a case that was really played: its rows in every table, under new numbers.

Two cases are cloned: one closed, and for each tenth clone one that still waits for a department's opinion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from bench import fill_ledger
from bench.clones import Clones
from bench.stage import Running
from services.documents.domain.licence_number import parse

CHUNK = 1000
NONE = "(none)"  # in place of a licence number; stands in no row
TABLES = {
    "workflow": ("cases", "case_materials", "tasks", "opinions", "decisions", "transitions", "outbox", "inbox",
                 "idempotency"),
    "documents": ("materials", "material_grants", "licences", "outbox", "inbox"),
    "audit": ("case_parties", "clocks", "ends", "inbox"),
}  # fmt: skip
_OF_EVENTS = "event_id = ANY(%(events)s)"
_OF_MATERIALS = "material_id = ANY(%(materials)s)"
_ROWS = {
    "outbox": _OF_EVENTS,
    "inbox": _OF_EVENTS,
    "materials": _OF_MATERIALS,
    "material_grants": _OF_MATERIALS,
    "idempotency": "answer ->> 'case_no' = %(case_no)s",
    "ends": "starts_with(subject, %(case_no)s)",
}
_PARTIES = ("applicant_id", "owner_id", "holder_id", "party")
# The platform's own ids keep their order in time, as version 7 has it; departments' are random, as theirs are.
_FRESH_ID = "CASE WHEN substr({t}, 15, 1) = '7' THEN c.stamp || substr({t}, 14) ELSE md5({t} || c.n)::uuid::text END"
_RENAMED = "replace(replace({t}, {case_no}, c.case_no), {licence_no}, c.licence_no)"
_BY_NAME = {
    "event_id": _FRESH_ID,
    "material_id": _FRESH_ID,
    "key": "md5({t} || c.n)",
    "sha256": "encode(sha256(convert_to({t} || c.n, 'UTF8')), 'hex')",
    "acknowledged_at": "coalesce({t}, t.assigned_at) + c.shift",  # a clone must not ring at a department
} | dict.fromkeys(_PARTIES, "c.party")
_BY_TYPE = {
    "timestamp with time zone": "{t} + c.shift",
    "character varying": _RENAMED,
    "text": _RENAMED,
    "json": _RENAMED.replace("{t}", "{t}::text", 1) + "::json",
    "bytea": "convert_to(" + _RENAMED.replace("{t}", "convert_from({t}, 'UTF8')", 1) + ", 'UTF8')",
}
_CARDS = """
INSERT INTO cards (card_no, case_no, task_id, department, level, rule, due_on, raised_on, raised_at, detail)
SELECT 'T9-' || letter || '-' || task_id, case_no, task_id, department, level, 'T9', due_on, due_on, now(), level
FROM clocks JOIN bench_clones c USING (case_no) CROSS JOIN (VALUES ('Y', 'yellow'), ('R', 'red')) AS v (letter, level)
WHERE c.n % 20 = 1 AND step = 'police_opinion' ORDER BY c.n
"""


@dataclass(frozen=True)
class Played:
    """A case that is cloned: what stands in its rows and is another in each clone. ``licence_no`` is NONE while there is none."""

    kind: str
    case_no: str
    licence_no: str
    submitted_at: datetime
    materials: Sequence[str]
    events: Sequence[str]


def capture(running: Running, kind: str, case_no: str) -> Played:
    """Copy the rows that the case has now into tables ``bench_<kind>_…``."""
    with psycopg.connect(running.database("workflow")) as workflow, psycopg.connect(running.database("audit")) as audit:
        found = workflow.execute("SELECT licence_no, submitted_at FROM cases WHERE case_no = %s", [case_no]).fetchone()
        assert found is not None
        handed_in = workflow.execute("SELECT material_id FROM case_materials WHERE case_no = %s", [case_no])
        materials = [row[0] for row in handed_in]
        recorded = audit.execute("SELECT event_id FROM entries WHERE case_ref = %s", [case_no])
        events = [row[0] for row in recorded]
    with psycopg.connect(running.database("documents")) as documents:
        told = documents.execute(
            "SELECT event_id FROM outbox WHERE subject = ANY(%s)", [[*materials, case_no, found[0] or ""]]
        )
        events = sorted({*events, *(row[0] for row in told)})
    played = Played(kind, case_no, found[0] or NONE, found[1], materials, events)
    for service, tables in TABLES.items():
        with psycopg.connect(running.database(service), cursor_factory=psycopg.ClientCursor) as connection:
            for table in tables:
                wanted = sql.SQL(
                    "CREATE TABLE {} AS SELECT * FROM {} WHERE " + _ROWS.get(table, "case_no = %(case_no)s")
                )
                names = sql.Identifier(f"bench_{kind}_{table}"), sql.Identifier(table)
                connection.execute(wanted.format(*names), vars(played))
    return played


def clones_of(closed: Played, running: Running, total: int) -> Clones:
    """The clones to make. The owner is the played case's applicant."""
    with psycopg.connect(running.database("workflow")) as workflow:
        row = workflow.execute(
            "SELECT item_code, applicant_id FROM cases WHERE case_no = %s", [closed.case_no]
        ).fetchone()
    assert row is not None
    return Clones(total, row[0], parse(closed.licence_no), row[1], datetime.now(UTC))


def fill(running: Running, closed: Played, waiting: Played, clones: Clones) -> None:
    """Make the clones in every database; then what autovacuum would have done in the meantime."""
    with _few_checkpoints(running.database("workflow")), ThreadPoolExecutor() as pool:
        filling = [pool.submit(_fill_tables, running.database(s), s, (closed, waiting), clones) for s in TABLES]
        filling.append(pool.submit(fill_ledger.fill, running, (closed, waiting), clones))
        for one in filling:
            one.result()
        for tidied in [pool.submit(_tidy, running.database(service)) for service in TABLES]:
            tidied.result()


@contextmanager
def _few_checkpoints(database: str) -> Iterator[None]:
    """Each checkpoint would have all that follows write whole pages ahead; the defaults hold again when measuring begins."""
    settings = {"max_wal_size": "16GB", "checkpoint_timeout": "1h"}
    with psycopg.connect(database, autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            for name in settings:
                connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CHECKPOINT")


def _fill_tables(database: str, service: str, played: Sequence[Played], clones: Clones) -> None:
    with psycopg.connect(database, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET session_replication_role = replica")  # what was played kept every foreign key
        _write_clones(connection, played, clones)
        inserts = [_insert(connection, table, case) for table in TABLES[service] for case in played]
        for start in range(0, clones.total, CHUNK):
            with connection.transaction():
                for insert in inserts:
                    connection.execute(insert, {"start": start, "end": start + CHUNK})
        if service == "audit":
            connection.execute(_CARDS)


def _write_clones(connection: psycopg.Connection[Any], played: Sequence[Played], clones: Clones) -> None:
    connection.execute(
        "CREATE TABLE bench_clones (n int PRIMARY KEY, case_no text, licence_no text, party text, stamp text,"
        " shift interval, kind text)"
    )
    by_kind = {case.kind: case for case in played}
    with connection.cursor() as cursor, cursor.copy("COPY bench_clones FROM STDIN") as copy:
        for n in range(clones.total):
            clone = clones[n]
            kind = "open" if clone.open else "closed"
            shift = clone.at - by_kind[kind].submitted_at
            copy.write_row((n, clone.case_no, clone.licence_no, clone.party, clone.stamp, shift, kind))
    connection.execute("ANALYZE bench_clones")


def _insert(connection: psycopg.Connection[Any], table: str, case: Played) -> sql.Composed:
    """INSERT of a table's rows for the clones of one case from ``start`` up to ``end``."""
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " AND column_default IS NULL AND is_identity = 'NO' ORDER BY ordinal_position",
        [table],
    ).fetchall()
    values = [_value(name, data_type, case) for name, data_type in columns]
    return sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM bench_clones c CROSS JOIN {} t"
        " WHERE c.n >= %(start)s AND c.n < %(end)s AND c.kind = {}"
    ).format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(", ").join(values),
        sql.Identifier(f"bench_{case.kind}_{table}"),
        sql.Literal(case.kind),
    )


def _value(column: str, data_type: str, case: Played) -> sql.Composed:
    pattern = _BY_NAME.get(column) or _BY_TYPE.get(data_type, "{t}")
    return sql.SQL(pattern).format(
        t=sql.Identifier("t", column), case_no=sql.Literal(case.case_no), licence_no=sql.Literal(case.licence_no)
    )


def _tidy(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
