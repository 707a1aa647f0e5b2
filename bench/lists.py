"""Lists and searches of a workflow with a million cases on PostgreSQL: how long each kind of question takes, as a query and
over HTTP.

Each is asked with other values every time. What a role may see is part of the one statement; the slowest is explained.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from bench import fill_lists
from bench.figures import quantile
from bench.list_questions import WHOLE, Question, Questions
from bench.results import keep, show
from bench.serve_lists import Door
from chassis import log
from chassis.migrate import upgrade
from localservers.postgresql import PostgreSQL
from services.workflow.models import db
from services.workflow.service import SERVICE

GOAL_MS = 50.0
LONGEST_S = 3.0  # for one question one way
WARM = 6  # PostgreSQL settles on a plan after five executions
WAYS = ("query", "http")


def _timed(ask: Callable[[], object], times: int) -> list[float]:
    """Seconds of each call; fewer of a slow one."""
    taken: list[float] = []
    until = time.perf_counter() + LONGEST_S
    while len(taken) < times and (len(taken) < WARM or time.perf_counter() < until):
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return taken


def measure(question: Question, door: Door, times: int) -> dict[str, list[float]]:
    """Milliseconds by way."""
    token = door.token(question.who)

    def over_http() -> object:
        values = question.values()
        if question.path == WHOLE:
            return door.get(question.path.format(**values), {}, token)
        return door.get(question.path, values, token)

    ways = {"query": lambda: question.ask(question.values()), "http": over_http}
    for ask in ways.values():
        _timed(ask, WARM)
    return {way: [1000 * s for s in _timed(ask, times)] for way, ask in ways.items()}


def explained(question: Question) -> str:
    """What PostgreSQL does for the question's longest statement."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    question.ask(question.values())
    sa.event.remove(db.engine, "before_cursor_execute", note)
    statement, parameters = max(asked, key=lambda one: len(one[0]))
    with db.read() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters)
        return "\n".join(str(row[0]) for row in rows)


def table(measured: dict[str, dict[str, list[float]]]) -> str:
    """A line for each question, the slowest first."""
    lines = [f"{'':<34}{'query p50':>11}{'p95':>8}{'http p50':>11}{'p95':>8}{'  ms':<4}"]
    for name in _slowest_first(measured):
        numbers = [quantile(measured[name][way], q) for way in WAYS for q in (0.5, 0.95)]
        lines.append(f"{name:<34}{numbers[0]:>11.1f}{numbers[1]:>8.1f}{numbers[2]:>11.1f}{numbers[3]:>8.1f}")
    return "\n".join(lines)


def _slowest_first(measured: dict[str, dict[str, list[float]]]) -> Sequence[str]:
    return sorted(measured, key=lambda name: -quantile(measured[name]["query"], 0.95))


@click.command("lists")
@click.option("--rows", default=1_000_000, show_default=True, help="cases / 件数")
@click.option("--times", default=60, show_default=True, help="each question, each way / 每问次数")
@click.option("--only", default="", help="questions whose name has this in it / 只测名称含此者")
@click.option("--explain", default=1, show_default=True, help="how many of the slowest / 解释最慢的几个")
def main(rows: int, times: int, only: str, explain: int) -> None:
    """清单与查询：百万办件 / lists and searches at a million cases."""
    log.configure("bench", "WARNING")
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-bench-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql", fsync=False))
        postgresql.create_database("workflow")
        url = postgresql.url("workflow")
        db.bind(url)
        cleanup.callback(db.engine.dispose)
        upgrade(db, SERVICE.migrations)
        begun = time.monotonic()
        fill_lists.fill(db, url.replace("+psycopg", ""), rows)
        print(f"{rows} 件，{time.monotonic() - begun:.0f} 秒 / cases made in so many seconds", flush=True)
        met = measure_all(folder, rows, times, only, explain)
    sys.exit(0 if met else 1)


def measure_all(folder: Path, rows: int, times: int, only: str, explain: int) -> bool:
    """Ask every question of the bound database, print and keep what it took; True if the goals are met."""
    with Door(folder) as door:
        questions = [question for question in Questions().all() if only in question.name]
        measured = {question.name: measure(question, door, times) for question in questions}
    print(table(measured))
    for name in _slowest_first(measured)[:explain]:
        print(f"\n{name}\n{explained(next(q for q in questions if q.name == name))}", flush=True)
    figures: dict[str, float] = {"lists_cases": rows}
    for name, ways in measured.items():
        for way in WAYS:
            figures[f"lists_{name}_{way}_p50_ms"] = round(quantile(ways[way], 0.5), 1)
            figures[f"lists_{name}_{way}_p95_ms"] = round(quantile(ways[way], 0.95), 1)
    goals = {}
    for way in WAYS:
        worst = max(quantile(ways[way], 0.95) for ways in measured.values())
        figures[f"lists_{way}_worst_p95_ms"] = round(worst, 1)
        goals[f"lists_{way}_worst_p95_ms"] = (f"<= {GOAL_MS:.0f} ms", worst <= GOAL_MS)
    show(goals, figures)
    return all(met for _, met in goals.values()) if only else keep("lists", figures, goals)
