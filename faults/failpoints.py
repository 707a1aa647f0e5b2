"""``make failpoints``: every process killed -9 at every failpoint that it passes, started again, while cases run.

First the platform plays with every failpoint traced, which tells who passes what. Then each pair has its turn: the process is
started with that failpoint armed, cases run until it has died and the supervisor has started it again, and when everything
has come to rest the judge looks at all of it.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from chassis import log
from chassis.failpoints import NAMES
from evidence.record import write_evidence
from faults.ledger import Violation
from faults.rig import Rig, embedded_rig, server_rig
from localservers.child import ServerDied
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

SEED = 20261125
ROUNDS = 8  # of cases, until a failpoint must have been reached
# Doorbells ring and cards are raised, and told, only when a department is late.
RING_AND_RAISE = ("workflow-jobs", "audit-jobs", "audit-worker")
SHOWN = 5  # violations of one row
JOBS_S = 8.0  # the slowest job that has work to do looks every five seconds


@dataclass
class Row:
    """One line of the matrix. ``passes``: how often it was passed when traced; ``runs`` counts the kills."""

    program: str
    failpoint: str
    passes: int = 1
    runs: int = 0
    violations: list[Violation] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """Violations of a kind: lost, doubled, wrong."""
        return sum(violation.kind == kind for violation in self.violations)


def trace(rig: Rig, folder: Path) -> list[Row]:
    """Who passes what, in ordinary work and with a late department."""
    for name in rig.programs:
        rig.supervisor.replace(name, failpoint=f"trace:{folder / name}")
    rig.processes.wait_ready(*rig.programs)
    rig.play(2)
    with rig.silence():
        time.sleep(JOBS_S)
    found = rig.verdict()
    assert found == [], found
    for name in rig.programs:
        rig.supervisor.replace(name)
    return [
        Row(name, path.name, path.stat().st_size) for name in rig.programs for path in sorted((folder / name).glob("*"))
    ]


def kill_at(rig: Rig, row: Row, nth: int) -> None:
    """One kill at a failpoint's ``nth`` pass, and the verdict once everything is at rest again."""
    before = rig.supervisor.deaths[row.program]

    def dead() -> bool:
        return rig.supervisor.deaths[row.program] > before

    rig.supervisor.replace(row.program, failpoint=f"{row.failpoint}:{nth}:kill")
    _wait_ready(rig, row.program)
    late = row.program in RING_AND_RAISE and row.failpoint.startswith(("relay.", "job.after_claim"))
    with rig.silence() if late else nullcontext():
        for _ in range(ROUNDS):
            if dead():
                break
            rig.play()
            _wait(dead, 1.0)
    if not dead():
        rig.supervisor.replace(row.program)
    row.runs += dead()
    row.violations += rig.verdict()


def _wait_ready(rig: Rig, program: str) -> None:
    """Return when the program is ready, or has died of its failpoint on the way."""
    with suppress(ServerDied):
        rig.processes.wait_ready(program)


def _wait(over: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not over() and time.monotonic() < deadline:
        time.sleep(0.05)


def campaign(rig: Rig, folder: Path, runs: int) -> list[Row]:
    """Every pair, ``runs`` times. Stops at the first violation: what comes after it could not be told apart."""
    chance = random.Random(SEED)
    rows = trace(rig, folder)
    for row in rows:
        for _ in range(runs):
            kill_at(rig, row, chance.randint(1, min(3, row.passes)))
            print(_line(row), flush=True)
            if row.violations:
                return rows
    return rows


@contextmanager
def servers(folder: Path, **options: Any) -> Iterator[Rig]:
    """The platform on servers of its own. ``options`` are ServerPlatform's."""
    with (
        PostgreSQL(folder / "postgresql") as postgresql,
        RabbitMQ(folder / "rabbitmq") as rabbitmq,
        server_rig(folder, postgresql, rabbitmq, **options) as rig,
    ):
        yield rig


def _line(row: Row) -> str:
    counts = "".join(f"{n:>8}" for n in (row.runs, row.count("lost"), row.count("doubled"), row.count("wrong")))
    return f"{row.program:<20}{row.failpoint:<34}{counts}"


HEAD = f"{'进程 / process':<18}{'故障点 / failpoint':<31}{'runs':>8}{'lost':>8}{'doubled':>8}{'wrong':>8}"


@click.command("failpoints")
@click.option("--runs", default=1, show_default=True, help="kills of each process at each failpoint / 每处次数")
@click.option("--embedded-runs", default=2, show_default=True, help="the same, embedded / 内嵌模式")
def main(runs: int, embedded_runs: int) -> None:
    """每个进程在每个故障点被强制终止 / every process killed at every failpoint."""
    log.configure("faults", "WARNING")
    begun = time.monotonic()
    rows: list[Row] = []
    print(HEAD)
    for name, stage, times in (("embedded", embedded_rig, embedded_runs), ("servers", servers, runs)):
        with ExitStack() as cleanup:
            folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix=f"tongban-{name}-")))
            folder.chmod(0o755)
            rig = cleanup.enter_context(stage(folder))
            rows += campaign(rig, folder / "passed", times)
            cases = len(rig.promises.cases)
        print(f"-- {name}: {cases} 件 / cases", flush=True)
    sys.exit(0 if _conclude(rows, time.monotonic() - begun) else 1)


def service_of(row: Row) -> str:
    """Roles of a service share its outbox: which of them relays an event is chance."""
    return row.program.partition("-")[0]


def _conclude(rows: list[Row], seconds: float) -> bool:
    for row in rows:
        for violation in row.violations[:SHOWN]:
            print(f"!! {row.program} {row.failpoint}: {violation}")
    reached = {(service_of(row), row.failpoint) for row in rows if row.runs}
    figures = {f"{row.program} {row.failpoint}": float(row.runs) for row in rows} | {
        "kills": float(sum(row.runs for row in rows)),
        "lost": float(sum(row.count("lost") for row in rows)),
        "doubled": float(sum(row.count("doubled") for row in rows)),
        "wrong": float(sum(row.count("wrong") for row in rows)),
        "seconds": round(seconds, 0),
    }
    goals = {
        "every_failpoint_reached": ("every named failpoint killed somebody", {name for _, name in reached} == NAMES),
        "every_service_reached": (
            "each service died at each failpoint that a role of it passes",
            {(service_of(row), row.failpoint) for row in rows} == reached,
        ),
        "nothing_lost": ("lost = 0", figures["lost"] == 0),
        "nothing_doubled": ("doubled = 0", figures["doubled"] == 0),
        "nothing_else_wrong": ("wrong = 0", figures["wrong"] == 0),
    }
    print(
        f"\n{figures['kills']:.0f} 次终止 / kills, {seconds:.0f} s: "
        + ", ".join(f"{k} {'✓' if m else '✗'}" for k, (_, m) in goals.items())
    )
    return write_evidence("failpoints", figures, goals)
