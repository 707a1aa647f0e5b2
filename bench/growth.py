"""Does anything cost more when more cases are stored? Two whole platforms side by side, a small and a large one.

Both are filled with clones of a really played case and then measured in turn, so that the ratio is taken in one run: the
whole real case, the reads through the gateway, the hourly pruning, and what each platform costs while nothing happens.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

import click
import psycopg

from bench.case import Cases, idle_cpus
from bench.clones import Clones
from bench.figures import Round
from bench.fill import Played, capture, clones_of, fill
from bench.reads import ReadBlock, Reads
from bench.results import keep, show
from bench.stage import Running, one, whole_platform
from chassis import log
from chassis.background import RETENTION
from chassis.db import Database
from chassis.outbox import prune
from demo.applications import SCHOOL_BUS
from demo.checks import verify_trail
from demo.client import wait_for
from demo.story import apply
from services.audit.models import db as audit
from services.documents.models import db as documents
from services.workflow.models import db as workflow

RATIO_GOAL, READ_GOAL_MS = 1.2, 50.0
SMALL = 1000
SILENT = "police"
ONE_PROCESS_EACH = ("all",)  # two platforms have to start, and what is asked for is the cost of each service
PATIENCE_S = 60.0
PRUNINGS = 3  # the first has to connect


@dataclass
class Size:
    """A platform with so many cases, and what was measured on it."""

    stored: int
    running: Running
    clones: Clones
    player: Cases
    reads: Reads
    cases: list[Round] = field(default_factory=list)
    blocks: dict[str, list[ReadBlock]] = field(default_factory=dict)
    prune_ms: list[float] = field(default_factory=list)

    def measure(self, cases: int, in_flight: int, reads: int) -> None:
        """One round of everything."""
        self.cases.append(self.player.play(cases, in_flight))
        for name in self.reads.all:
            self.blocks.setdefault(name, []).append(self.reads.block(name, reads))
        self.prune_ms.append(sum(_prune(database, self.running) for database in (workflow, documents, audit)))

    def cpu_of(self, name: str) -> float:
        """CPU milliseconds per case of one process."""
        return median([1000 * done.cpu[name] / done.cases for done in self.cases])

    def wal_kib(self) -> float:
        """KiB written ahead per case."""
        return median([done.wal_kib for done in self.cases])

    def read_cpu_ms(self, name: str) -> float:
        """CPU milliseconds of one read."""
        return median([block.cpu_ms for block in self.blocks[name]])

    def read_ms(self, name: str, quantile: float) -> float:
        """A quantile of a read's time, in milliseconds."""
        return median([block.latency_ms(quantile) for block in self.blocks[name]])


def _prune(database: Database, running: Running) -> float:
    """Milliseconds of the hourly job, with nothing old enough to go."""
    database.bind(running.platform.database_url(database.name))
    taken = []
    for _ in range(PRUNINGS):
        begun = time.perf_counter()
        prune(database, older_than=RETENTION + timedelta(days=1))
        taken.append(time.perf_counter() - begun)
    database.engine.dispose()
    return 1000 * median(taken)


def prepare(running: Running, stored: int) -> Size:
    """Fill up to ``stored`` cases and sign everybody in."""
    closed = capture(running, "closed", _first_case(running))
    waiting = _waiting_case(running)
    clones = clones_of(closed, running, stored)
    begun = time.monotonic()
    fill(running, closed, waiting, clones)
    print(f"  {stored} 件已存 / cases stored: {_bytes(running) / (1 << 30):.2f} GiB, {time.monotonic() - begun:.0f} s")
    return Size(stored, running, clones, Cases(running), Reads(running, clones))


def _first_case(running: Running) -> str:
    """The case that the stage has applied for, closed and recorded."""
    with psycopg.connect(running.database("workflow"), autocommit=True) as connection:
        question = "SELECT case_no FROM cases WHERE closed_at IS NOT NULL"
        row = wait_for("办结 / closing", lambda: connection.execute(question).fetchone(), timeout_s=PATIENCE_S)
    _at_rest(running)
    return str(row[0])


def _waiting_case(running: Running) -> Played:
    """A case captured while it waits for one department's opinion: that department's process is stopped meanwhile."""
    silent = running.departments.pids()[running.platform.departments.index(SILENT)]
    os.kill(silent, signal.SIGSTOP)
    try:
        case_no = apply(running.story.sign_in(SCHOOL_BUS.username), SCHOOL_BUS)
        supervisor = running.story.sign_in("supervisor")
        wait_for(
            "只剩一个部门 / one silent department",
            lambda: _open_departments(supervisor.get(f"/api/v1/cases/{case_no}")) == [SILENT],
            timeout_s=PATIENCE_S,
        )
        _at_rest(running)
        played = capture(running, "open", case_no)
    finally:
        os.kill(silent, signal.SIGCONT)
    agent = running.story.sign_in(SCHOOL_BUS.username)
    wait_for(
        "办结 / closing",
        lambda: agent.get(f"/api/v1/cases/{case_no}")["state"] == "closed",
        timeout_s=2 * PATIENCE_S,  # if the broker has given the stopped one up, it has to connect again
    )
    _at_rest(running)
    return played


def _open_departments(case: dict[str, list[dict[str, str]]]) -> list[str]:
    return [task["department"] for task in case["tasks"] if task["state"] == "open" and task["step"] != "accept"]


def _at_rest(running: Running) -> None:
    """Return when the ledger has not grown for a while."""
    with psycopg.connect(running.database("audit"), autocommit=True) as connection:
        size = -1
        while size < (size := one(connection, "SELECT size FROM log_head")):
            time.sleep(2.0)


def _bytes(running: Running) -> int:
    with psycopg.connect(running.database("workflow")) as connection:
        return one(connection, "SELECT sum(pg_database_size(oid)) FROM pg_database")


def check_trails(size: Size) -> None:
    """An outside program finds the trails of a clone and of a case played last in order, under the log's own key."""
    supervisor = size.running.story.sign_in("supervisor")
    with psycopg.connect(size.running.database("workflow")) as connection:
        newest = connection.execute("SELECT case_no FROM cases ORDER BY closed_at DESC NULLS LAST LIMIT 1").fetchone()
    assert newest is not None
    for case_no in (size.clones[size.stored // 2 + 1].case_no, str(newest[0])):
        checked = verify_trail(supervisor, case_no, size.running.platform.folder)
        assert checked.ok, json.dumps(checked.says, ensure_ascii=False)


@click.command("growth")
@click.option("--stored", default=100_000, show_default=True, help="cases of the large platform / 大库件数")
@click.option("--cases", default=60, show_default=True, help="cases per round / 每轮件数")
@click.option("--in-flight", default=16, show_default=True)
@click.option("--reads", default=80, show_default=True, help="of each kind per round / 每轮每种查询次数")
@click.option("--rounds", default=5, show_default=True)
def main(stored: int, cases: int, in_flight: int, reads: int, rounds: int) -> None:
    """存量增长时各步骤的成本 / does any step cost more when more is stored."""
    log.configure("bench", "WARNING")
    with ExitStack() as cleanup:
        platforms = [cleanup.enter_context(whole_platform(ONE_PROCESS_EACH)) for _ in range(2)]
        small, large = (prepare(r, n) for r, n in zip(platforms, (SMALL, stored), strict=True))
        for size in (small, large):
            cleanup.callback(size.player.close)
            size.player.play(cases, in_flight)
        for _ in range(rounds):
            for size in (small, large):
                size.measure(cases, in_flight, reads)
        idle = idle_cpus([small.running, large.running])
        for size in (small, large):
            check_trails(size)
    print(_case_table(small, large))
    print(_read_table(small, large))
    figures = _figures(small, large, idle)
    goals = {
        "growth_case_cpu_ratio": (f"<= {RATIO_GOAL}", figures["growth_case_cpu_ratio"] <= RATIO_GOAL),
        "growth_read_cpu_ratio_max": (f"<= {RATIO_GOAL}", figures["growth_read_cpu_ratio_max"] <= RATIO_GOAL),
        "growth_prune_ratio": (f"<= {RATIO_GOAL}", figures["growth_prune_ratio"] <= RATIO_GOAL),
        "growth_read_p95_ms_max": (f"<= {READ_GOAL_MS}", figures["growth_read_p95_ms_max"] <= READ_GOAL_MS),
    }
    show(goals, figures)
    sys.exit(0 if keep("growth", figures, goals) else 1)


def _figures(small: Size, large: Size, idle: Sequence[Mapping[str, float]]) -> dict[str, float]:
    figures = {"growth_stored_small": float(small.stored), "growth_stored_large": float(large.stored)}
    for label, size, at_rest in zip(("small", "large"), (small, large), idle, strict=True):
        figures[f"growth_case_cpu_ms_{label}"] = round(median([r.cpu_ms for r in size.cases]), 1)
        figures[f"growth_case_p50_s_{label}"] = round(median([r.latency_ms(0.5) / 1000 for r in size.cases]), 2)
        figures[f"growth_case_wal_kib_{label}"] = round(size.wal_kib(), 1)
        figures[f"growth_prune_ms_{label}"] = round(median(size.prune_ms), 1)
        figures[f"growth_idle_percent_{label}"] = round(sum(at_rest.values()), 1)
        for name in size.blocks:
            figures[f"growth_read_cpu_ms_{name}_{label}"] = round(size.read_cpu_ms(name), 2)
            figures[f"growth_read_p95_ms_{name}_{label}"] = round(size.read_ms(name, 0.95), 1)
    rounds = zip(small.cases, large.cases, strict=True)
    figures["growth_case_cpu_ratio"] = round(median([b.cpu_ms / a.cpu_ms for a, b in rounds]), 2)
    figures["growth_read_cpu_ratio_max"] = round(max(_read_ratio(small, large, name) for name in small.blocks), 2)
    figures["growth_prune_ratio"] = round(median(large.prune_ms) / median(small.prune_ms), 1)
    figures["growth_read_p95_ms_max"] = round(max(large.read_ms(name, 0.95) for name in large.blocks), 1)
    return figures


def _read_ratio(small: Size, large: Size, name: str) -> float:
    """Median over the rounds: each round's pair was taken at nearly the same time."""
    pairs = zip(small.blocks[name], large.blocks[name], strict=True)
    return median([b.cpu_ms / a.cpu_ms for a, b in pairs])


def _case_table(small: Size, large: Size) -> str:
    lines = [f"\n{'进程 / process, CPU ms/件 case':<34}{small.stored:>12}{large.stored:>12}{'比 ratio':>10}"]
    names = sorted(small.cases[0].cpu, key=lambda name: -large.cpu_of(name))
    rows = [(name, small.cpu_of(name), large.cpu_of(name)) for name in names]
    whole = [median([r.cpu_ms for r in size.cases]) for size in (small, large)]
    rows.insert(0, ("全部 / all", whole[0], whole[1]))
    lines += [f"{name:<36}{a:>12.2f}{b:>12.2f}{b / a if a else 0:>10.2f}" for name, a, b in rows]
    wal = (small.wal_kib(), large.wal_kib())
    lines.append(f"{'WAL KiB/件 case':<36}{wal[0]:>12.1f}{wal[1]:>12.1f}{wal[1] / wal[0]:>10.2f}")
    return "\n".join(lines)


def _read_table(small: Size, large: Size) -> str:
    head = ("CPU ms", "p50 ms", "p95 ms")
    lines = [
        f"\n{'查询 / read':<26}"
        + "".join(f"{n:>10} {unit}" for unit in head for n in (small.stored, large.stored))
        + "  CPU ratio"
    ]
    for name in small.blocks:
        values = [f(name) for f in (small.read_cpu_ms, large.read_cpu_ms)]
        values += [size.read_ms(name, q) for q in (0.5, 0.95) for size in (small, large)]
        lines.append(
            f"{name:<28}" + "".join(f"{v:>17.2f}" for v in values) + f"{_read_ratio(small, large, name):>11.2f}"
        )
    prune_ms = (median(small.prune_ms), median(large.prune_ms))
    lines.append(f"\n每小时清理 / hourly pruning, ms    {prune_ms[0]:.1f}    {prune_ms[1]:.1f}")
    return "\n".join(lines)
