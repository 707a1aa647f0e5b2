"""The whole platform on one machine without containers, watched: servers, every role of every service, doors, simulated
departments over AMQP, Prometheus and Alertmanager. ``python -m localservers.up`` is its command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from signal import SIGINT
from types import TracebackType
from typing import Protocol, Self

from localservers.alertmanager import Alertmanager
from localservers.consul import Consul
from localservers.platform import EACH_ROLE, Part, ServerPlatform
from localservers.ports import free_port
from localservers.postgres_exporter import PostgresExporter
from localservers.postgresql import PostgreSQL
from localservers.processes import READY_PATH, Program
from localservers.prometheus import Job, Prometheus, Target
from localservers.rabbitmq import RabbitMQ
from localservers.redis import Redis
from localservers.witness import witness_key, witness_program

RULES = Path("deploy/prometheus/rules/*.yaml")
ROUTES = Path("deploy/alertmanager/alertmanager.yml")
SCRAPE_S = 10
DEPARTMENT_DELAY_S = 2.0
# What the gateway allows one address: here all citizens have the same one.
LIMITS = "address=30000/minute"
QUEUE_FAMILIES = ("queue_coarse_metrics", "queue_consumer_count")


class Running(Protocol):
    """A server beside the platform, as its supervisor sees it."""

    @property
    def alive(self) -> bool:
        """False when it has ended."""

    @property
    def pid(self) -> int:
        """Process id."""

    @property
    def log(self) -> Path:
        """Where it writes."""

    def restart(self) -> None:
        """Start it again."""


class WholePlatform:
    """Runs while the block does. Data and logs lie in ``folder``; what an earlier run left there is gone on with.

    ``roles`` and ``instances`` are ServerPlatform's. ``simulated``: departments with a system of their own, all by default.
    ``tell`` hears name and address of each part as it becomes ready. ``rules``: Prometheus' rule files.
    """

    def __init__(
        self,
        folder: Path,
        *,
        roles: Sequence[str] = EACH_ROLE,
        instances: int | Mapping[str, int] = 2,
        public_url: str | None = None,
        simulated: Sequence[str] | None = None,
        delay_s: float = DEPARTMENT_DELAY_S,
        rules: Sequence[Path] = (RULES,),
        scrape_s: int = SCRAPE_S,
        tell: Callable[[str, str], object] = lambda _name, _address: None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._tell = folder, tell
        self.postgresql = PostgreSQL(folder / "postgresql", keep=True)
        self.rabbitmq = RabbitMQ(folder / "rabbitmq", metrics=True, keep=True)
        self.consul, self.redis = Consul(folder / "consul"), Redis(folder / "redis")
        self.alertmanager = Alertmanager(folder / "alertmanager", routes=ROUTES)
        self._exporter = PostgresExporter(folder / "postgres-exporter", self.postgresql)
        self.traces_url, self._witness_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._witness_folder = folder / "witness"
        shared = {
            "TONGBAN_LIMITS": LIMITS,
            "TONGBAN_LIMITS_URL": self.redis.url,
            "TONGBAN_TRACES_URL": f"{self.traces_url}/v1/traces",
            "TONGBAN_WITNESS_URL": self._witness_url,
            "TONGBAN_WITNESS_KEY": witness_key(self._witness_folder),
        }
        self.platform = ServerPlatform(
            folder, self.postgresql, self.rabbitmq, roles=roles, instances=instances, consul=self.consul.url,
            public_url=public_url, departments=simulated, settings=shared,
        )  # fmt: skip
        self.departments = self.platform.departments
        self._delay_s = delay_s
        self.prometheus = Prometheus(
            folder / "prometheus",
            self._jobs(),
            rules=rules,
            alertmanager=self.alertmanager.address,
            interval_s=scrape_s,
        )
        self.servers: dict[str, Running] = {
            "postgresql": self.postgresql, "rabbitmq": self.rabbitmq, "consul": self.consul, "redis": self.redis,
            "alertmanager": self.alertmanager, "postgres-exporter": self._exporter, "prometheus": self.prometheus,
        }  # fmt: skip
        self._cleanup = ExitStack()

    @property
    def base_url(self) -> str:
        """Where programs reach the first gateway."""
        return self.platform.base_url

    def __enter__(self) -> Self:
        """Start everything; returns when all of it is ready. Raises ServerMissing or ServerDied."""
        with ExitStack() as cleanup:
            self._start_servers(cleanup)
            cleanup.callback(self._stop_platform)
            self._start_platform()
            cleanup.enter_context(self.prometheus)
            self._tell("prometheus", self.prometheus.url)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def start(self, program: Program) -> None:
        """One more program, which is stopped before the platform is."""
        self.platform.processes.start(program)

    def addresses(self) -> dict[str, str]:
        """Name -> address of every part that serves."""
        return {
            "postgresql": f"127.0.0.1:{self.postgresql.port}",
            "rabbitmq": self.rabbitmq.management_url,
            "consul": self.consul.url,
            "redis": self.redis.url,
            "alertmanager": self.alertmanager.url,
            "postgres-exporter": f"http://{self._exporter.address}",
            "trace-store": self.traces_url,
            **{part.program.name: part.program.base_url for part in self.platform.parts},
            "witness": self._witness_url,
            "prometheus": self.prometheus.url,
        }

    def _start_servers(self, cleanup: ExitStack) -> None:
        """RabbitMQ takes as long as all others together."""
        cleanup.push(self.rabbitmq)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(self.rabbitmq.__enter__)
            for name, server in (
                ("postgresql", self.postgresql), ("consul", self.consul), ("redis", self.redis),
                ("alertmanager", self.alertmanager), ("postgres-exporter", self._exporter),
            ):  # fmt: skip
                cleanup.enter_context(server)
                self._say(name)
            slow.result()
        self._say("rabbitmq")

    def _start_platform(self) -> None:
        processes = self.platform.processes
        processes.start(_trace_store(self.traces_url))
        self.platform.prepare()
        for part in self.platform.parts:
            processes.start(part.program)
        for name in ["trace-store", *(part.program.name for part in self.platform.parts)]:
            processes.wait_ready(name)
            self._say(name)
        processes.start(witness_program(self._witness_url, self._witness_folder, self.base_url))
        processes.wait_ready("witness")
        self._say("witness")
        for code in self.departments:
            processes.start(self._department(code))
            self._tell(f"department-{code}", f"AMQP d.{code}")

    def _stop_platform(self) -> None:
        """Those who ask before those who answer. Nobody is left to whom the drain would matter."""
        processes, doors = self.platform.processes, {part.program.name for part in self.platform.parts}
        others = [name for name in processes.names() if name not in doors | {"trace-store", "witness"}]
        if others:
            processes.stop(*others, polite=SIGINT)
        processes.stop(polite=SIGINT)

    def _say(self, name: str) -> None:
        self._tell(name, self.addresses()[name])

    def _department(self, code: str) -> Program:
        """The SDK's example department at its own virtual host."""
        arguments = (
            "simulate", "--department", code, "--amqp", self.platform.department_broker(code), "--delay", str(self._delay_s),
            "--journal", str(self.folder / f"journal-{code}.sqlite"),
        )  # fmt: skip
        return Program(f"department-{code}", "department_sdk.cli", arguments, {}, "")

    def _jobs(self) -> list[Job]:
        """The same jobs and labels as in production: rules and dashboards rest on them."""
        queues = {"job": "rabbitmq", "instance": "rabbitmq-queues"}  # the same job, at another path
        return [
            Job("tongban", [_target(part) for part in self.platform.parts]),
            Job("rabbitmq", [Target(self.rabbitmq.metrics_address, {"instance": "rabbitmq"})]),
            Job(
                "rabbitmq-queues", [Target(self.rabbitmq.metrics_address, queues)], "/metrics/detailed",
                {"family": QUEUE_FAMILIES},
            ),
            Job("postgresql", [Target(self._exporter.address, {"instance": "postgresql"})]),
            Job(
                "consul", [Target(self.consul.address, {"instance": "consul"})], "/v1/agent/metrics",
                {"format": ["prometheus"]},
            ),
            Job("alertmanager", [Target(self.alertmanager.address, {"instance": "alertmanager"})]),
        ]  # fmt: skip


def _target(part: Part) -> Target:
    labels = {"service": part.service, "role": part.role, "instance": part.program.name}
    return Target(part.program.base_url.removeprefix("http://"), labels)


def _trace_store(url: str) -> Program:
    arguments = ("--address", url.removeprefix("http://"))
    return Program("trace-store", "localservers.trace_store", arguments, {}, f"{url}{READY_PATH}")
