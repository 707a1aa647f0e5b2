"""W(4) by our own code and by the bare floor, interleaved on the same servers.

W(4): durable start; four department workers, each its own process, receive a task over RabbitMQ, record a no-op
review durably and answer; the join happens exactly once; one decision row. Quorum queues, confirms, default durability.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import click

from bench import ours
from bench.broker import prepare_vhost
from bench.figures import Round, table
from bench.floor import Floor
from bench.meter import Meter
from bench.processes import Workers
from bench.results import keep, show
from chassis import log
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

RATIO_GOAL = 0.6
BATCH = 64
TONGBAN, FLOOR, SAFE, SINGLE = "tongban", "floor", "floor_safe", "floor_single"
LABELS = {FLOOR: "floor, batching", SAFE: "floor, in/outbox", SINGLE: "floor, one by one", TONGBAN: "tongban"}
# per case: four tasks and four answers; ours besides: the application, four opinions recorded, the decision's task
MESSAGES = {FLOOR: 8, TONGBAN: 14}
Measure = Callable[[int, int], Round]


@contextmanager
def contenders() -> Iterator[dict[str, Measure]]:
    """All of them on the same servers; each is asked for so many cases with so many in flight."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-bench-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        rabbitmq = cleanup.enter_context(RabbitMQ(folder / "rabbitmq"))
        for database in (FLOOR, SAFE, SINGLE, "workflow", "departments"):
            postgresql.create_database(database)
        brokers = prepare_vhost(rabbitmq)
        workers = cleanup.enter_context(Workers())

        def meter(pids: dict[str, list[int]]) -> Meter:
            found = Meter(pids, postgresql, rabbitmq)
            cleanup.callback(found.close)
            return found

        measures: dict[str, Measure] = {}
        for name, batch in ((FLOOR, BATCH), (SAFE, BATCH), (SINGLE, 1)):
            database = postgresql.url(name).replace("+psycopg", "")
            floor = Floor(name, database, brokers["floor"], batch, safe=name == SAFE)
            floor.prepare()
            measures[name] = partial(floor.measure, meter(floor.start(workers)))
        ours.prepare(postgresql.url("workflow"), brokers)
        ours.prepare_department(postgresql.url("departments"))
        pids = ours.start(workers, postgresql.url("workflow"), postgresql.url("departments"), brokers)
        starter = cleanup.enter_context(ours.Starter(brokers["workflow"]))
        measures[TONGBAN] = partial(starter.measure, meter(pids))
        yield measures
        workers.check()


@click.command("w4")
@click.option("--cases", default=2000, show_default=True, help="cases per round / 每轮件数")
@click.option("--rounds", default=3, show_default=True)
@click.option("--in-flight", default=64, show_default=True)
def main(cases: int, rounds: int, in_flight: int) -> None:
    """W(4)：自有代码与下限 / our own code against the floor, with batching and without."""
    log.configure("bench", "WARNING")
    results: dict[str, list[Round]] = {name: [] for name in LABELS}
    with contenders() as measures:
        for name in LABELS:
            measures[name](in_flight * 2, in_flight)
        for _ in range(rounds):
            for name, done in results.items():
                done.append(measures[name](cases, in_flight))
    print(table({LABELS[name]: done for name, done in results.items()}))
    rates = {name: median([r.rate for r in done]) for name, done in results.items()}
    ratio = rates[TONGBAN] / rates[FLOOR]
    figures = {
        "w4_ratio_to_floor": round(ratio, 3),
        "w4_ratio_to_floor_safe": round(rates[TONGBAN] / rates[SAFE], 3),
        "w4_ratio_per_message": round(ratio * MESSAGES[TONGBAN] / MESSAGES[FLOOR], 3),
        "w4_ratio_to_floor_single": round(rates[TONGBAN] / rates[SINGLE], 3),
    }
    for name, done in results.items():
        figures |= _figures(name, done)
    goals = {"w4_ratio_to_floor": (f">= {RATIO_GOAL}", ratio >= RATIO_GOAL)}
    show(goals, figures)
    sys.exit(0 if keep("w4", figures, goals) else 1)


def _figures(name: str, done: list[Round]) -> dict[str, float]:
    figures = {
        f"w4_{name}_cases_per_s": round(median([r.rate for r in done]), 1),
        f"w4_{name}_cpu_ms_per_case": round(median([r.cpu_ms for r in done]), 2),
        f"w4_{name}_p50_ms": round(median([r.latency_ms(0.5) for r in done]), 1),
        f"w4_{name}_p99_ms": round(median([r.latency_ms(0.99) for r in done]), 1),
        f"w4_{name}_wal_bytes_per_case": round(median([r.wal_bytes / r.cases for r in done]), 0),
    }
    for part in done[0].cpu:
        figures[f"w4_{name}_cpu_ms_{part}"] = round(median([1000 * r.cpu[part] / r.cases for r in done]), 2)
    return figures
