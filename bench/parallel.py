"""N departments at once take as long as one: the whole platform, every department behind an AMQP door of its own.

Wall time runs from the answer (201) to the application until the join: the moment at which the decision's task, which
waits for all N opinions, can be read from the database. The lead department's acceptance lies in between.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
import psycopg

from bench.citizen import Citizen, Refused
from bench.processes import Workers
from bench.results import keep, show
from bench.wide import WidePlatform, item_name
from chassis import log
from demo.applications import SCHOOL_BUS
from demo.client import wait_for
from localservers.platform import directory
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

WIDTHS = (2, 10, 50)
FACTOR, EXTRA_S = 1.05, 0.3
POLL_S = 0.005
PATIENCE_S = 90.0
_JOINED = "SELECT 1 FROM tasks WHERE case_no = %s AND kind = 'decision'"
_TIMES = (
    "SELECT max(took)::float, sum(took)::float FROM (SELECT extract(epoch FROM closed_at - assigned_at) AS took FROM tasks"
    " WHERE case_no = %s AND kind = 'opinion') t"
)


@dataclass(frozen=True)
class Played:
    """Seconds: until the join; of the slowest department and of all added up, from assignment to recorded opinion."""

    wall_s: float
    slowest_s: float
    sum_s: float


class Applicant:
    """Applies for the items and watches the workflow's own database."""

    def __init__(self, citizen: Citizen, workflow: psycopg.Connection[tuple[float, float]]) -> None:
        self._citizen, self._workflow = citizen, workflow
        listed = wait_for("事项发布 / publication of the items", self._published, timeout_s=PATIENCE_S)
        self._guides = {width: citizen.get(f"/api/v1/items/{listed[item_name(width)]}") for width in WIDTHS}

    def _published(self) -> dict[str, str]:
        found = {item["name"]: item["item_code"] for item in self._citizen.get("/api/v1/items")["items"]}
        return found if {item_name(width) for width in WIDTHS} <= set(found) else {}

    def play(self, width: int) -> Played:
        """One case. Raises TimeoutError."""
        case_no = wait_for("workflow's copy", lambda: self._submit(width), timeout_s=PATIENCE_S)
        begun = time.monotonic()
        wait_for(
            "会合 / join",
            lambda: self._workflow.execute(_JOINED, [case_no]).fetchone(),
            timeout_s=PATIENCE_S,
            every_s=POLL_S,
        )
        wall_s = time.monotonic() - begun
        times = self._workflow.execute(_TIMES, [case_no]).fetchone()
        assert times is not None
        return Played(wall_s, *times)

    def _submit(self, width: int) -> str | None:
        """The case number; None while workflow has not heard of the item yet."""
        try:
            return self._citizen.submit(self._guides[width], [])
        except Refused as refused:
            if "item_unknown" not in str(refused):
                raise
            return None


@contextmanager
def wide_platform(think_s: float) -> Iterator[Applicant]:
    """Servers, platform and all departments at work."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-bench-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        rabbitmq = cleanup.enter_context(RabbitMQ(folder / "rabbitmq"))
        platform = WidePlatform(folder, postgresql, rabbitmq, WIDTHS)
        cleanup.callback(platform.processes.stop)
        platform.start()
        workers = cleanup.enter_context(Workers())
        platform.start_departments(workers, think_s)
        [password] = [a["password"] for a in directory()["accounts"] if a["username"] == SCHOOL_BUS.username]
        database = platform.database_url("workflow").replace("+psycopg", "")
        workflow = cleanup.enter_context(psycopg.connect(database, autocommit=True))
        yield Applicant(Citizen(platform.base_url, SCHOOL_BUS.username, password), workflow)
        workers.check()


@click.command("parallel")
@click.option("--think-s", default=2.0, show_default=True, help="of each department / 每部门思考秒数")
@click.option("--rounds", default=5, show_default=True)
def main(think_s: float, rounds: int) -> None:
    """并行办理：N 个部门的用时 / N departments at once."""
    log.configure("bench", "WARNING")
    played: dict[int, list[Played]] = {width: [] for width in WIDTHS}
    with wide_platform(think_s) as applicant:
        for width in WIDTHS:
            applicant.play(width)
        for _ in range(rounds):
            for width, done in played.items():
                done.append(applicant.play(width))
    allowed_s = FACTOR * think_s + EXTRA_S
    figures = {"parallel_think_s": think_s, "parallel_allowed_s": round(allowed_s, 2)}
    goals = {}
    print(
        f"{'部门 / departments':<22}{'用时 wall s':>12}{'最差 worst':>12}{'最慢部门 slowest':>18}{'各部门之和 sum':>18}"
    )
    for width, done in played.items():
        wall, worst = median([p.wall_s for p in done]), max(p.wall_s for p in done)
        slowest, added = median([p.slowest_s for p in done]), median([p.sum_s for p in done])
        print(f"{width:<22}{wall:>14.2f}{worst:>14.2f}{slowest:>20.2f}{added:>20.2f}")
        figures |= {
            f"parallel_wall_s_{width}": round(wall, 2),
            f"parallel_worst_s_{width}": round(worst, 2),
            f"parallel_sum_s_{width}": round(added, 2),
        }
        goals[f"parallel_wall_s_{width}"] = (f"<= {FACTOR} * {think_s} + {EXTRA_S}", wall <= allowed_s)
    show(goals, figures)
    sys.exit(0 if keep("parallel", figures, goals) else 1)
