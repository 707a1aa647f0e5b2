"""``python -m bench_peers``: W(4) by our own code, by the floor and by the peers, interleaved on the same two servers.

Every contender's workers run for its own round only; starting and warming up are not timed. Ratios are taken within a
round and their median counts, so a change of the machine's speed from round to round does no harm.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click

from bench.broker import prepare_vhost
from bench.figures import Round, table
from bench.results import show
from bench_peers.own import OwnCode, OwnFloor
from bench_peers.peers import PEERS, Contender
from chassis import log
from evidence.record import write_evidence
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

OURS, FLOOR = "tongban", "floor"
LABELS = {OURS: "tongban", FLOOR: "floor, batching"} | {peer.name: peer.label for peer in PEERS}
GOALS = {peer.name: peer.goal for peer in PEERS if peer.goal is not None}
OWN_TIMES = 4  # ours and the floor take so many times the peers' cases, so that their rounds last as long
Measured = Mapping[str, Sequence[Round]]


@click.command()
@click.option(
    "--cases", default=400, show_default=True, help="每个对照每轮件数；自有代码 4 倍 / per peer; ours: four times"
)
@click.option("--rounds", default=3, show_default=True)
@click.option("--in-flight", default=64, show_default=True)
def main(cases: int, rounds: int, in_flight: int) -> None:
    """W(4)：自有代码与其他框架 / our own code against other frameworks."""
    log.configure("bench", "WARNING")
    results = measure(cases, rounds, in_flight)
    print(table({LABELS[name]: done for name, done in results.items()}))
    figures = ratios(results)
    for name, done in results.items():
        figures |= figures_of(name, done)
    goals = {f"ratio_to_{name}": (f">= {goal}", figures[f"ratio_to_{name}"] >= goal) for name, goal in GOALS.items()}
    show(goals, figures)
    without_goal = {
        name: value for name, value in figures.items() if name.startswith("ratio_to_") and name not in goals
    }
    for name, value in without_goal.items():
        print(f"无目标，供参考 / without a goal  {name} = {value}")
    sys.exit(0 if write_evidence("bench-peers", figures, goals) else 1)


def measure(cases: int, rounds: int, in_flight: int) -> dict[str, list[Round]]:
    """All rounds of every contender."""
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-peers-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        rabbitmq = cleanup.enter_context(RabbitMQ(folder / "rabbitmq"))
        brokers = prepare_vhost(rabbitmq)
        runs: dict[str, Callable[[int, int], Round]] = {
            OURS: OwnCode(postgresql, rabbitmq, brokers).run,
            FLOOR: OwnFloor(postgresql, rabbitmq, brokers).run,
        }
        for peer in PEERS:
            runs[peer.name] = Contender(peer, folder / peer.name, postgresql, rabbitmq).run
        results: dict[str, list[Round]] = {name: [] for name in runs}
        for number in range(1, rounds + 1):
            for name, run in runs.items():
                done = run(cases * OWN_TIMES if name in (OURS, FLOOR) else cases, in_flight)
                results[name].append(done)
                said = f"第 {number} 轮 / round {number}: {LABELS[name]} {done.rate:.1f} 件/秒 cases/s"
                print(said, file=sys.stderr, flush=True)
    return results


def ratios(results: Measured) -> dict[str, float]:
    """Our rate as a multiple of each other's: the median of the rounds' ratios."""
    return {
        f"ratio_to_{name}": round(median([o.rate / t.rate for o, t in zip(results[OURS], done, strict=True)]), 2)
        for name, done in results.items()
        if name != OURS
    }


def figures_of(name: str, done: Sequence[Round]) -> dict[str, float]:
    """Medians over the rounds."""
    return {
        f"{name}_cases_per_s": round(median([r.rate for r in done]), 1),
        f"{name}_cpu_ms_per_case": round(median([r.cpu_ms for r in done]), 2),
        f"{name}_p50_ms": round(median([r.latency_ms(0.5) for r in done]), 1),
        f"{name}_p99_ms": round(median([r.latency_ms(0.99) for r in done]), 1),
    }


if __name__ == "__main__":
    main()
