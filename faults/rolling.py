"""``make rolling``: every process of the platform is stopped with SIGTERM and started again, one after the other, under load.

Two instances of everything that answers HTTP, which find each other first by a list and then by Consul, and a load balancer
before the two gateways. No request may fail, no event be lost or doubled. The control is the proof that failures would be seen:
processes that are stopped without their time to leave.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from chassis import log
from chassis.settings_table import DECLARED
from evidence.record import write_evidence
from faults.ledger import Violation
from faults.rig import Rig, server_rig, wait_for
from faults.rolling_door import LoadBalancer, Request
from faults.rolling_visits import READING, WRITING, Load, Visitor
from localservers.consul import Consul
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

INSTANCES = 2
UNHURRIED = {"TONGBAN_DRAIN_S": str(DECLARED["drain_s"].default)}  # as it is shipped
HURRIED = {"TONGBAN_DRAIN_S": "0"}
STOP_LIMIT_S = 25.0  # of its own 20 and the draining: what takes longer was killed
WAITED = ("events", "wait")  # kinds that take long because they wait
CONTROL = "对照：立即停止，须有失败 / control: stopped without draining, has to fail"
SHOWN, SHOWN_LETTERS = 3, 160


@dataclass
class Restart:
    """One part. ``requests``: those that were under way at any moment of it."""

    name: str
    stop_s: float
    ready_s: float
    requests: Sequence[Request]

    @property
    def failures(self) -> list[Request]:
        """Those that went wrong."""
        return [one for one in self.requests if one.failure]

    @property
    def slowest_s(self) -> float:
        """Of the answers that nobody was meant to wait for."""
        return max((one.seconds for one in self.requests if one.kind not in WAITED), default=0.0)


@dataclass
class Campaign:
    """Restarts on one platform, and what the judge says at their end."""

    name: str
    restarts: list[Restart] = field(default_factory=list)
    requests: int = 0
    failed: int = 0
    replaced: int = 0
    cases: int = 0
    violations: list[Violation] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """Violations of a kind: lost, doubled, wrong."""
        return sum(violation.kind == kind for violation in self.violations)


def restart(rig: Rig, load: Load, name: str, environment: Mapping[str, str] | None = None) -> Restart:
    """SIGTERM, and a new process when the old one has ended. ``environment`` is the new one's, this time only."""
    begun = time.monotonic()
    with rig.supervisor.aside(name):
        rig.processes.stop(name)
        ended = time.monotonic()
        rig.processes.restart(name, environment)
        rig.processes.wait_ready(name)
    ready = time.monotonic()
    return Restart(name, ended - begun, ready - ended, load.record.during(begun, ready))


def roll(
    rig: Rig,
    names: Sequence[str],
    campaign: Campaign,
    tell: Callable[[Restart], object] = lambda _restart: None,
    visits: Sequence[Callable[[Visitor], None]] = (*WRITING, *READING),
) -> Campaign:
    """One process after the other under load; then the verdict, when everything has come to rest."""
    before = len(rig.promises.cases)
    with LoadBalancer(rig.gateways) as balancer:
        load = Load(balancer, rig.promises, rig.wait_for_item())
        with load.running(*visits):
            wait_for("a first case", lambda: load.newest is not None)
            for name in names:
                campaign.restarts.append(restart(rig, load, name))
                tell(campaign.restarts[-1])
    requests = load.record.requests
    campaign.requests, campaign.replaced = len(requests), load.record.replaced
    campaign.failed = sum(bool(one.failure) for one in requests)
    campaign.cases = len(rig.promises.cases) - before
    slow = [one for one in campaign.restarts if one.stop_s > STOP_LIMIT_S]
    campaign.violations += [
        Violation("stop", "wrong", f"{one.name} took {one.stop_s:.1f} s and was killed") for one in slow
    ]
    campaign.violations += rig.verdict()
    return campaign


def prove(rig: Rig, names: Sequence[str], tell: Callable[[Restart], object]) -> Campaign:
    """The same with processes that stop at once. Only what promises nothing goes on meanwhile."""
    for name in names:
        with rig.supervisor.aside(name):
            rig.processes.stop(name)
            rig.processes.restart(name, HURRIED)
            rig.processes.wait_ready(name)
    campaign = Campaign(CONTROL)
    with LoadBalancer(rig.gateways) as balancer:
        load = Load(balancer, rig.promises, rig.wait_for_item(), newest=rig.promises.cases[-1])
        with load.running(*READING):
            for name in names:
                campaign.restarts.append(restart(rig, load, name))
                tell(campaign.restarts[-1])
    campaign.requests = len(load.record.requests)
    campaign.failed = sum(bool(one.failure) for one in load.record.requests)
    return campaign


HEAD = (
    f"{'部件 / part':<20}{'停止 / stop s':>14}{'就绪 / ready s':>15}{'请求 / requests':>15}{'失败 / failed':>13}"
    f"{'最慢 / slowest s':>16}"
)


def line(one: Restart) -> str:
    """For people."""
    text = f"{one.name:<22}{one.stop_s:>14.1f}{one.ready_s:>16.1f}{len(one.requests):>16}"
    text += f"{len(one.failures):>15}{one.slowest_s:>17.2f}"
    alike = Counter(f"{request.kind}: {' '.join(request.failure.split())[:SHOWN_LETTERS]}" for request in one.failures)
    return text + "".join(f"\n    !! {number} × {what}" for what, number in alike.most_common(SHOWN))


def summary(campaign: Campaign) -> str:
    """For people."""
    text = (
        f"{campaign.name}: {len(campaign.restarts)} 次重启 / restarts, {campaign.requests} 次请求 / requests, "
        f"失败 failed {campaign.failed}, {campaign.cases} 件 / cases, 丢失 lost {campaign.count('lost')}, "
        f"重复 doubled {campaign.count('doubled')}, 其他 wrong {campaign.count('wrong')}; "
        f"闲置连接已关而换新 / idle connections found closed {campaign.replaced}"
    )
    return text + "".join(f"\n    !! {violation}" for violation in campaign.violations[:SHOWN])


def _said(campaign: Campaign) -> Callable[[Restart], object]:
    print(f"\n{campaign.name}\n{HEAD}", flush=True)
    return lambda one: print(line(one), flush=True)


@contextmanager
def _platform(consul: bool) -> Iterator[Rig]:
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-rolling-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        rabbitmq = cleanup.enter_context(RabbitMQ(folder / "rabbitmq"))
        registry = cleanup.enter_context(Consul(folder / "consul")).url if consul else None
        options = {"instances": INSTANCES, "consul": registry, "settings": UNHURRIED}
        yield cleanup.enter_context(server_rig(folder, postgresql, rabbitmq, **options))


@click.command("rolling")
@click.option("--only", multiple=True, metavar="PROGRAM", help="restart these, and not all / 只重启这些")
def main(only: Sequence[str]) -> None:
    """滚动重启：不丢一个请求 / rolling restarts under load."""
    log.configure("faults", "ERROR")
    begun, campaigns = time.monotonic(), []
    for name, consul in (("地址名单 / listed addresses", False), ("Consul 注册 / registered in Consul", True)):
        with _platform(consul) as rig:
            campaign = Campaign(name)
            campaigns.append(campaign)
            # By Consul nothing finds a process that answers no requests.
            parts = [one for one in rig.parts if not consul or not one.endswith(("-worker", "-jobs", "bridge"))]
            roll(rig, [one for one in parts if not only or one in only], campaign, _said(campaign))
            print(summary(campaign), flush=True)
            if not consul:
                control = prove(rig, ["workflow-web", "gateway"], _said(Campaign(CONTROL)))
                print(summary(control), flush=True)
    figures, goals = conclude(campaigns, control, time.monotonic() - begun)
    sys.exit(0 if write_evidence("rolling", figures, goals) else 1)


def conclude(
    campaigns: Sequence[Campaign], control: Campaign, seconds: float
) -> tuple[dict[str, float], dict[str, tuple[str, bool]]]:
    """Figures and goals."""
    restarts = [one for campaign in campaigns for one in campaign.restarts]
    figures = {
        "restarts": float(len(restarts)),
        "requests": float(sum(campaign.requests for campaign in campaigns)),
        "cases": float(sum(campaign.cases for campaign in campaigns)),
        "slowest_stop_s": round(max((one.stop_s for one in restarts), default=0.0), 2),
        "slowest_start_s": round(max((one.ready_s for one in restarts), default=0.0), 2),
        "slowest_answer_s": round(max((one.slowest_s for one in restarts), default=0.0), 2),
        "seconds": round(seconds, 0),
        "failed": float(sum(campaign.failed for campaign in campaigns)),
        "failed_without_draining": float(control.failed),
    }
    figures |= {kind: float(sum(c.count(kind) for c in campaigns)) for kind in ("lost", "doubled", "wrong")}
    goals = {kind: ("= 0", figures[kind] == 0) for kind in ("failed", "lost", "doubled", "wrong")}
    goals["failed_without_draining"] = ("> 0", control.failed > 0)
    return figures, goals
