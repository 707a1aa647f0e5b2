"""``make chaos``: random faults while cases run, one kind after the other, and the judge after each.

All but the last on one platform, whose network leads through proxies: random kills of its processes, the departments,
PostgreSQL and the broker; the broker out of reach; every message several times and out of order; connections cut while COMMIT
is under way. The last on a platform of its own, on a broker of three nodes that are killed one at a time.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click

from chassis import log
from contracts_docs.parties import all_services
from evidence.record import write_evidence
from faults.chaos_report import Result, conclude, line
from faults.commit_cutter import CommitCutter
from faults.ledger import Violation
from faults.poison import Unreadable
from faults.rig import DEPARTMENTS, Rig, background, server_rig, wait_for
from faults.shuffler import Shuffler
from localservers.platform import VHOST
from localservers.postgresql import PostgreSQL
from localservers.proxy import TcpProxy
from localservers.rabbitmq import RabbitMQ
from localservers.rabbitmq_cluster import NODES, RabbitMQCluster

SEED = 20261125
RETRY_LIMIT = "9"  # the planted poison is parked after a minute instead of ten
RECOVERY_S = 120.0
QUEUES = [s.name for service in all_services() for s in service.subscriptions] + ["gateway.bridge"]
# Out of twenty kills: two of PostgreSQL, two of the broker, three of departments, the rest of the platform's processes.
VICTIMS = ("postgresql",) * 2 + ("rabbitmq",) * 2 + ("department",) * 3 + ("process",) * 13


@dataclass
class World:
    """A platform with its servers and the network between them."""

    rig: Rig
    postgresql: PostgreSQL
    rabbitmq: RabbitMQ
    network: TcpProxy
    cutter: CommitCutter
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Platform, servers and proxies; poison is planted."""
    with ExitStack() as cleanup:
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        rabbitmq = cleanup.enter_context(RabbitMQ(folder / "rabbitmq"))
        network = cleanup.enter_context(TcpProxy(rabbitmq.port))
        cutter = cleanup.enter_context(CommitCutter(postgresql.port, seed=SEED, share=0.0, limit=sys.maxsize))
        ports = {"database_port": cutter.port, "broker_port": network.port}
        rig = cleanup.enter_context(server_rig(folder, postgresql, rabbitmq, **ports))
        rig.plant_poison()
        yield World(rig, postgresql, rabbitmq, network, cutter)


def random_kills(stage: World, cases: int, kills: int) -> Result:
    """Kill -9 anything, spread over the run, each when the one before has recovered."""
    result = Result("随机终止 / random kills")

    def fault() -> None:
        kind = stage.chance.choice(VICTIMS)
        result.recoveries[kind].append(_kill(stage, kind))

    return _spread(stage.rig, result, cases, kills, fault)


def _spread(rig: Rig, result: Result, cases: int, times: int, fault: Callable[[], None]) -> Result:
    """So many applications, and ``fault`` so often while they are handed in."""
    before = len(rig.promises.cases)
    with background(lambda: rig.submit(cases)) as over:
        for number in range(times):
            due = before + number * cases / times
            wait_for("applications", partial(_reached, rig, due, over))
            fault()
    return result.judged(rig, faults=times, since=before)


def _reached(rig: Rig, due: float, over: Callable[[], bool]) -> bool:
    return over() or len(rig.promises.cases) >= due


def _kill(stage: World, kind: str) -> float:
    """Kill one of a kind; returns the seconds until everything is ready again."""
    rig, begun = stage.rig, time.monotonic()
    if kind in ("postgresql", "rabbitmq"):
        server = stage.postgresql if kind == "postgresql" else stage.rabbitmq
        server.kill()
        server.restart()
    elif kind == "department":
        rig.supervisor.kill(f"department-{stage.chance.choice(DEPARTMENTS)}")
    else:
        rig.supervisor.kill(stage.chance.choice([*rig.programs, "gateway"]))
    rig.wait_ready(timeout_s=RECOVERY_S)
    return time.monotonic() - begun


def broker_out_of_reach(stage: World, cases: int, seconds: float) -> Result:
    """Applications must still be accepted, each at the first try; what was told leaves afterwards."""
    rig, result = stage.rig, Result("消息服务器不可达 / broker out of reach")
    before, repeats, begun = len(rig.promises.cases), rig.promises.repeats, time.monotonic()
    stage.network.refuse()
    try:
        rig.submit(cases)
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
    finally:
        stage.network.restore()
    restored = time.monotonic()
    refused = rig.promises.repeats - repeats
    if refused:
        result.violations.append(Violation("I1", "wrong", f"{refused} requests were not answered at the first try"))
    result.judged(rig, faults=1, since=before)
    result.recoveries["drained"].append(time.monotonic() - restored)
    return result


def duplicates(stage: World, cases: int) -> Result:
    """Every message 2 to 10 times and out of order, on every queue of every service and of the bridge."""
    rig, result = stage.rig, Result("重复与乱序 / duplicates and reordering")
    before = len(rig.promises.cases)
    with Shuffler(stage.rabbitmq, VHOST, QUEUES, seed=SEED) as shuffler:
        rig.submit(cases)
        result.judged(rig, faults=0, since=before)
    result.faults = shuffler.given - shuffler.taken
    return result


def cut_commits(stage: World, cases: int, share: float) -> Result:
    """Connections to PostgreSQL cut during COMMIT, before the server hears of it or after it has done it."""
    rig, result = stage.rig, Result("提交时断线 / connections cut during COMMIT")
    before = len(rig.promises.cases)
    stage.cutter.share = share
    try:
        rig.submit(cases)
    finally:
        stage.cutter.share = 0.0
    return result.judged(rig, faults=stage.cutter.committed + stage.cutter.uncommitted, since=before)


def node_kills(folder: Path, cases: int, kills: int) -> Result:
    """A broker of three nodes: one is killed and comes back, then another."""
    result, chance = Result("三节点之一被终止 / one of three broker nodes killed"), random.Random(SEED)
    with (
        PostgreSQL(folder / "postgresql") as postgresql,
        RabbitMQCluster(folder / "cluster") as cluster,
        server_rig(folder, postgresql, cluster) as rig,
    ):

        def fault() -> None:
            victim, begun = chance.randrange(NODES), time.monotonic()
            cluster.kill(victim)
            rig.wait_ready(timeout_s=RECOVERY_S)
            result.recoveries["platform"].append(time.monotonic() - begun)
            cluster.restart(victim)
            result.recoveries["node"].append(time.monotonic() - begun)

        return _spread(rig, result, cases, kills, fault)


@click.command("chaos")
@click.option("--cases", default=300, show_default=True, help="in the first part; a third of it in the others / 件数")
@click.option("--kills", default=30, show_default=True, help="random kills in the first part / 随机终止次数")
@click.option("--outage-s", default=60.0, show_default=True, help="how long the broker is away / 不可达秒数")
@click.option("--node-kills", "nodes", default=4, show_default=True, help="of the three-node broker / 节点终止次数")
def main(cases: int, kills: int, outage_s: float, nodes: int) -> None:
    """随机故障 / random faults."""
    log.configure("faults", "ERROR")
    os.environ["TONGBAN_RETRY_LIMIT"] = RETRY_LIMIT
    few, begun, results = max(1, cases // 3), time.monotonic(), []

    def keep(result: Result) -> None:
        results.append(result)
        print(line(result), flush=True)

    with _folder() as folder, world(folder) as stage:
        unreadable = Unreadable(stage.rabbitmq, VHOST)
        unreadable.plant()
        parts: list[Callable[[], Result]] = [
            lambda: random_kills(stage, cases, kills),
            lambda: broker_out_of_reach(stage, few, outage_s),
            lambda: duplicates(stage, few),
            lambda: cut_commits(stage, few, 0.05),
        ]
        for part in parts[:-1]:
            keep(part())
        last = parts[-1]()
        last.violations += unreadable.violations()
        keep(last)
    with _folder() as folder:
        keep(node_kills(folder, few, nodes))
    figures, goals = conclude(results, time.monotonic() - begun)
    sys.exit(0 if write_evidence("chaos", figures, goals) else 1)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tongban-chaos-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
