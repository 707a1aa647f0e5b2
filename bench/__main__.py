"""``python -m bench``: W(4) by our own code and by the bare floor, interleaved on the same servers.

W(4): durable start; four department workers, each its own process, receive a task over RabbitMQ, record a no-op
review durably and answer; the join happens exactly once; one decision row. Quorum queues, confirms, default durability.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from bench import floor, ours
from bench.broker import prepare_vhost
from bench.figures import Round, median, table
from bench.processes import Workers
from chassis import log
from evidence.record import write_evidence
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

RATIO_GOAL = 0.6


@click.command()
@click.option("--cases", default=2000, show_default=True, help="cases per round / 每轮件数")
@click.option("--rounds", default=3, show_default=True)
@click.option("--in-flight", default=64, show_default=True)
def main(cases: int, rounds: int, in_flight: int) -> None:
    """性能测量 / measure."""
    log.configure("bench", "WARNING")
    results: dict[str, list[Round]] = {"floor (pika + psycopg)": [], "tongban": []}
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-bench-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        rabbitmq = cleanup.enter_context(RabbitMQ(folder / "rabbitmq"))
        for database in ("floor", "workflow", "departments"):
            postgresql.create_database(database)
        brokers = prepare_vhost(rabbitmq)
        floor_database = postgresql.url("floor").replace("+psycopg", "")
        floor.prepare(floor_database, brokers["floor"])
        ours.prepare(postgresql.url("workflow"), brokers)
        ours.prepare_department(postgresql.url("departments"))
        workers = cleanup.enter_context(Workers())
        floor.start(workers, floor_database, brokers["floor"])
        ours.start(workers, postgresql.url("workflow"), postgresql.url("departments"), brokers)
        starter = cleanup.enter_context(ours.Starter(brokers["workflow"]))
        floor.measure(floor_database, brokers["floor"], in_flight * 2, in_flight)
        starter.measure(in_flight * 2, in_flight)
        for _ in range(rounds):
            results["floor (pika + psycopg)"].append(floor.measure(floor_database, brokers["floor"], cases, in_flight))
            results["tongban"].append(starter.measure(cases, in_flight))
            workers.check()
    print(table(results))
    ratio = median([o.rate for o in results["tongban"]]) / median([f.rate for f in results["floor (pika + psycopg)"]])
    print(f"\n与下限之比 / ratio to the floor: {ratio:.2f}   目标 / goal ≥ {RATIO_GOAL}")
    figures = {"w4_ratio_to_floor": round(ratio, 3)}
    for label, done in zip(("floor", "tongban"), results.values(), strict=True):
        figures[f"w4_{label}_cases_per_s"] = round(median([r.rate for r in done]), 1)
        figures[f"w4_{label}_cpu_ms_per_case"] = round(median([r.cpu_ms for r in done]), 2)
        figures[f"w4_{label}_p50_ms"] = round(median([r.latency_ms(0.5) for r in done]), 1)
        figures[f"w4_{label}_p99_ms"] = round(median([r.latency_ms(0.99) for r in done]), 1)
    met = ratio >= RATIO_GOAL
    write_evidence("bench", figures, {"w4_ratio_to_floor": (f">= {RATIO_GOAL}", met)})
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
