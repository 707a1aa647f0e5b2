"""What the gateway adds in front of a real service: workflow's page of a case, read with its applicant's token.

The same request goes to the service itself, through nginx (which checks nothing) and through the gateway, in turn. The service
takes internal tokens only, so the first two carry what the gateway would have made of the applicant's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

import click

from bench.citizen import Citizen
from bench.figures import quantile
from bench.load import Flood, flood, paced
from bench.nginx import nginx
from bench.results import keep, show
from bench.stage import Running, whole_platform
from bench.tools import tool
from chassis import log
from chassis.auth import TokenVerifier, bearer_token
from chassis.discovery import StaticDirectory
from chassis.fetch import fetch_public
from chassis.keys import load_or_create_key
from chassis.public_keys import PublicKeys
from chassis.run import JWKS_PATH
from demo.applications import SCHOOL_BUS
from demo.client import wait_for
from evidence.usage import cpu_seconds, tree
from gateway.ended_sessions import EndedSessions
from gateway.internal_tokens import KEY_FILE, InternalTokens

CPU_GOAL_MS, RATE_GOAL, P99_GOAL = 0.5, 0.35, 2.0
DIRECT, NGINX, GATEWAY = "direct", "nginx", "gateway"
CONNECTIONS = 16
PATIENCE_S = 60.0


@dataclass
class Way:
    """One way to the service. ``pid`` is that of what stands between, or None."""

    url: str
    pid: int | None
    floods: list[Flood] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    paced_ms: list[list[float]] = field(default_factory=list)

    def flood(self, headers: Mapping[str, str], seconds: float) -> None:
        """Saturate it once; the CPU of what stands between, in milliseconds per request."""
        before = self._cpu()
        self.floods.append(flood(self.url, headers, connections=CONNECTIONS, seconds=seconds))
        self.cpu_ms.append(1000 * (self._cpu() - before) / self.floods[-1].requests)

    def pace(self, headers: Mapping[str, str], rate: float, seconds: float) -> None:
        """Call it at a steady rate once."""
        self.paced_ms.append([1000 * s for s in paced(self.url, headers, rate=rate, seconds=seconds)])

    def rate(self) -> float:
        """Requests per second at most."""
        return median([f.rate for f in self.floods])

    def latency_ms(self, q: float) -> float:
        """A quantile at the steady rate."""
        return median([quantile(block, q) for block in self.paced_ms])

    def _cpu(self) -> float:
        return cpu_seconds(tree(self.pid)) if self.pid is not None else 0.0


def _closed_case(citizen: Citizen) -> str:
    """Number of the case that the stage has applied for, when it is closed."""

    def closed() -> str | None:
        [case] = citizen.get("/api/v1/cases")["cases"]
        return str(case["case_no"]) if case["state"] == "closed" else None

    return str(wait_for("办结 / closing", closed, timeout_s=PATIENCE_S))


def _ways(running: Running, cleanup: ExitStack, path: str) -> dict[str, Way]:
    service = running.platform.address("workflow")
    proxy, pid = cleanup.enter_context(nginx(running.platform.folder / "nginx", service.removeprefix("http://")))
    gateway = running.platform.base_url
    return {
        DIRECT: Way(service + path, None),
        NGINX: Way(proxy + path, pid),
        GATEWAY: Way(gateway + path, running.platform.processes.pid("gateway")),
    }


class Tokens:
    """The applicant's token for the gateway, and the gateway's word for the service, made with its own key."""

    def __init__(self, running: Running, citizen: Citizen) -> None:
        identity = StaticDirectory({"identity": running.platform.address("identity")})
        keys = PublicKeys(lambda: fetch_public(identity, "identity", JWKS_PATH))
        key = load_or_create_key(running.platform.folder / "data" / KEY_FILE)
        verifier = TokenVerifier(keys, running.platform.base_url)
        self._inside = InternalTokens(verifier, key, EndedSessions.of(identity))
        self._outside = citizen.headers

    def headers(self, way: str) -> Mapping[str, str]:
        """For one load on a way; good for half a minute at least."""
        if way == GATEWAY:
            return self._outside
        _, token = self._inside.exchange(bearer_token(self._outside["Authorization"]), "workflow")
        return {**self._outside, "Authorization": f"Bearer {token}"}


@click.command("gateway")
@click.option("--seconds", default=4.0, show_default=True, help="of each load / 每次加压秒数")
@click.option("--rounds", default=5, show_default=True)
def main(seconds: float, rounds: int) -> None:
    """网关的额外开销 / what the gateway adds, against nginx and the direct call."""
    log.configure("bench", "WARNING")
    tool("wrk")
    with ExitStack() as cleanup:
        running = cleanup.enter_context(whole_platform())
        password = running.story.passwords[SCHOOL_BUS.username]
        citizen = Citizen(running.story.base_url, SCHOOL_BUS.username, password)
        ways = _ways(running, cleanup, f"/api/v1/cases/{_closed_case(citizen)}")
        tokens = Tokens(running, citizen)
        for name, way in ways.items():
            flood(way.url, tokens.headers(name), connections=CONNECTIONS, seconds=2)
        for _ in range(rounds):
            for name, way in ways.items():
                way.flood(tokens.headers(name), seconds)
        half_rate = ways[GATEWAY].rate() / 2
        for _ in range(rounds):
            for name, way in ways.items():
                way.pace(tokens.headers(name), half_rate, seconds)
    print(_table(ways, half_rate))
    figures, goals = _judge(ways, half_rate)
    show(goals, figures)
    sys.exit(0 if keep("gateway", figures, goals) else 1)


def _judge(ways: Mapping[str, Way], half_rate: float) -> tuple[dict[str, float], dict[str, tuple[str, bool]]]:
    direct, proxy, gateway = ways[DIRECT], ways[NGINX], ways[GATEWAY]
    ratio = median([g.rate / n.rate for g, n in zip(gateway.floods, proxy.floods, strict=True)])
    p99 = median(
        [quantile(g, 0.99) / quantile(d, 0.99) for g, d in zip(gateway.paced_ms, direct.paced_ms, strict=True)]
    )
    figures = {
        "gateway_cpu_ms": round(median(gateway.cpu_ms), 3),
        "gateway_nginx_cpu_ms": round(median(proxy.cpu_ms), 3),
        "gateway_rate_to_nginx": round(ratio, 3),
        "gateway_p99_to_direct": round(p99, 2),
        "gateway_paced_per_s": round(half_rate, 1),
    }
    for name, way in ways.items():
        figures[f"gateway_{name}_per_s"] = round(way.rate(), 1)
        figures[f"gateway_{name}_p50_ms"] = round(way.latency_ms(0.5), 2)
        figures[f"gateway_{name}_p99_ms"] = round(way.latency_ms(0.99), 2)
    goals = {
        "gateway_cpu_ms": (f"<= {CPU_GOAL_MS}", figures["gateway_cpu_ms"] <= CPU_GOAL_MS),
        "gateway_rate_to_nginx": (f">= {RATE_GOAL}", ratio >= RATE_GOAL),
        "gateway_p99_to_direct": (f"<= {P99_GOAL}", p99 <= P99_GOAL),
    }
    return figures, goals


def _table(ways: Mapping[str, Way], half_rate: float) -> str:
    head = f"{'':<12}{'满载 flooded /s':>16}{'中间层 CPU ms':>16}{'p50 ms':>10}{'p99 ms':>10}"
    lines = [
        f"{head}   延迟在每秒 / times at {half_rate:.0f} per s",
    ]
    lines += [
        f"{name:<12}{way.rate():>18.1f}{median(way.cpu_ms):>18.3f}{way.latency_ms(0.5):>10.2f}{way.latency_ms(0.99):>10.2f}"
        for name, way in ways.items()
    ]
    return "\n".join(lines)
