"""A platform under fault, on real servers or embedded: clients and department systems around it, everything watched and
started again when it ends, and a judge of what has become of it.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from signal import SIGINT
from typing import Any

import yaml

from chassis import clock
from faults import poison
from faults.clients import Clients, GatewayDoor, Promises, identity_numbers
from faults.databases import Databases, PostgresqlDatabases, SqliteDatabases
from faults.invariants import Evidence, judge, wait_until_settled
from faults.ledger import Violation
from faults.supervisor import Supervisor
from localservers.platform import EACH_ROLE, SERVICES, ServerPlatform, directory
from localservers.ports import free_port
from localservers.postgresql import PostgreSQL
from localservers.processes import READY_PATH, Processes, Program
from localservers.rabbitmq_cluster import Broker

DEPARTMENTS = ("education", "police", "transport", "county_government")
SILENT = "transport"
CLIENTS = 3
PATIENCE_S = 90.0
JUMP = timedelta(days=12)  # past three working days with any holiday among them


class BadStart(Exception):
    """The platform did not get through its first applications unharmed; ``violations`` says what is wrong."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(violations)
        self.violations = violations


@dataclass
class Rig:
    """``programs``: those of the platform's processes that have failpoints. ``journals``: of departments over AMQP. ``parts``:
    every process of the platform by name, in the order of their start. ``gateways``: base URLs.
    """

    processes: Processes
    supervisor: Supervisor
    base_url: str
    clock_file: Path
    databases: Databases
    programs: Sequence[str]
    journals: Mapping[str, Path] = field(default_factory=dict)
    parts: Sequence[str] = ()
    gateways: Sequence[str] = ()
    promises: Promises = field(default_factory=Promises)
    poison: list[str] = field(default_factory=list)
    patience_s: float = PATIENCE_S

    def __post_init__(self) -> None:
        self._clients = [self._client() for _ in range(CLIENTS)]
        self._administrator = self._client()
        self._people = identity_numbers()
        self._shown: dict[str, dict[str, object]] = {}

    def _client(self) -> Clients:
        """One more client, with keys of its own."""
        return Clients(GatewayDoor(self.base_url), self.promises, name=f"c{next(_NAMES)}")

    def play(self, cases: int = 1) -> None:
        """Each client applies ``cases`` times, all at the same time; a person is registered, a version published. Returns
        when all of that is acknowledged.
        """
        in_parallel([*(partial(client.submit, cases) for client in self._clients), self._administer])

    def submit(self, cases: int) -> None:
        """So many applications in all, by all clients at the same time."""
        shares = [len(range(number, cases, CLIENTS)) for number in range(CLIENTS)]
        in_parallel([partial(client.submit, share) for client, share in zip(self._clients, shares, strict=True)])

    def wait_ready(self, *, timeout_s: float) -> None:
        """Return when every program says that it is ready. Raises TimeoutError with what they say."""
        deadline = time.monotonic() + timeout_s
        while troubles := {n: t for n in (*self.programs, "gateway") if (t := self.processes.trouble(n))}:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready: {troubles}")
            time.sleep(0.1)

    def wait_for_item(self) -> dict[str, Any]:
        """The guide of the item that is applied for, once it is published."""
        return self._clients[0].wait_for_item()

    def _administer(self) -> None:
        self._administrator.register_person(next(self._people))
        self._administrator.publish_version()

    def plant_poison(self) -> None:
        """Events that must end among the parked."""
        self.poison += poison.plant(self.databases)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """One department is away until the end of the block, with tasks whose due dates the clock jumps over."""
        name = f"department-{SILENT}"
        self.supervisor.stop(name)
        try:
            self.play()
            waiting = f"SELECT count(*) FROM tasks WHERE department = '{SILENT}' AND state = 'open'"
            wait_for(
                "a task of the silent department",
                lambda: self.databases.read("workflow", waiting)[0][0] >= CLIENTS,
            )
            clock.advance(self.clock_file, JUMP)
            yield
        finally:
            self.supervisor.replace(name)

    def evidence(self) -> Evidence:
        """What the judge looks at."""
        return Evidence(self.databases.read, self.promises, self._shown, bus_permit_plan(), self.journals, self.poison)

    def verdict(self) -> list[Violation]:
        """Wait until everything is settled, then judge it all. Cases that were seen closed before are not asked for again."""
        evidence = self.evidence()
        if unsettled := wait_until_settled(evidence, timeout_s=self.patience_s):
            return unsettled
        for case_no in self.promises.cases:
            if case_no not in self._shown:
                self._shown[case_no] = self._clients[0].shown(case_no)
        return judge(evidence)


_NAMES = itertools.count()


@contextmanager
def server_rig(
    folder: Path,
    postgresql: PostgreSQL,
    broker: Broker,
    **options: Any,
) -> Iterator[Rig]:
    """Every role of every service a process; departments over AMQP. Yields when first applications have gone through, or at
    once when the platform comes back from a backup, with the option ``promises``. The others are ServerPlatform's.
    """
    promises: Promises | None = options.pop("promises", None)
    with ExitStack() as cleanup:
        platform = ServerPlatform(folder, postgresql, broker, **options)
        cleanup.callback(platform.processes.stop, polite=SIGINT)  # nobody has to hear of it any more
        platform.start()
        journals = {code: journal_of(folder, code) for code in DEPARTMENTS}
        for code, journal in journals.items():
            platform.processes.start(_department(code, journal, ("--amqp", platform.department_broker(code))))
        rig = Rig(
            platform.processes,
            cleanup.enter_context(Supervisor(platform.processes)),
            platform.base_url,
            platform.clock_file,
            PostgresqlDatabases(platform.database_url),
            [f"{name}-{role}" for name in SERVICES for role in options.get("roles", EACH_ROLE)] + ["bridge"],
            journals,
            [part.program.name for part in platform.parts],
            platform.addresses("gateway"),
            promises or Promises(),
        )
        if promises is None:
            _warm_up(rig)
        yield rig


@contextmanager
def embedded_rig(folder: Path, *, promises: Promises | None = None) -> Iterator[Rig]:
    """The whole platform one process on SQLite; departments over HTTP. ``promises`` as in ``server_rig``."""
    with ExitStack() as cleanup:
        address, clock_file = f"127.0.0.1:{free_port()}", folder / "clock"
        environment = {
            "TONGBAN_HTTP_ADDRESS": address,
            "TONGBAN_DATA_DIR": str(folder / "data"),
            "TONGBAN_CLOCK_FILE": str(clock_file),
            "TONGBAN_LOG_LEVEL": "WARNING",
            "TONGBAN_WEB_THREADS": "32",  # each department that waits for tasks holds one
        }
        base_url = f"http://{address}"
        processes = Processes(folder / "logs")
        cleanup.callback(processes.stop)
        processes.start(Program("embedded", "embedded", ("--no-departments",), environment, base_url + READY_PATH))
        processes.wait_ready("embedded")
        for client in directory()["clients"]:
            if client["department"] in DEPARTMENTS:
                door = (
                    "--https",
                    base_url,
                    "--client-id",
                    client["client_id"],
                    "--client-secret",
                    client["client_secret"],
                )
                processes.start(_department(client["department"], journal_of(folder, client["department"]), door))
        supervisor = cleanup.enter_context(Supervisor(processes))
        databases = SqliteDatabases(folder / "data")
        known = promises or Promises()
        rig = Rig(processes, supervisor, base_url, clock_file, databases, ["embedded"], promises=known)
        if promises is None:
            _warm_up(rig)
        yield rig


def bus_permit_plan() -> dict[str, list[str]]:
    """Step -> the steps that it waits for, from the catalogue's own file."""
    with open("catalogs/items/school-bus-permit.yaml", encoding="utf-8") as file:
        return {step["step"]: step.get("after", []) for step in yaml.safe_load(file)["plan"]}


def journal_of(folder: Path, department: str) -> Path:
    """Where a department notes what it has done."""
    return folder / f"journal-{department}.sqlite"


def _department(code: str, journal: Path, door: Sequence[str]) -> Program:
    """The SDK's example, answering at once."""
    arguments = ("simulate", "--department", code, "--delay", "0", "--journal", str(journal), *door)
    return Program(f"department-{code}", "department_sdk.cli", arguments, {}, "")


def _warm_up(rig: Rig) -> None:
    rig.play()
    if found := rig.verdict():
        raise BadStart(found)


@contextmanager
def background(work: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Run ``work`` beside the block, which ends when both have; yields what says whether the work is over. Raises its error."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield lambda: not thread.is_alive()
    finally:
        thread.join()
    if errors:
        raise errors[0]


def in_parallel(work: Sequence[Callable[[], None]]) -> None:
    """Run all at once; returns when all have ended. Raises the first error."""
    with ExitStack() as running:
        for one in work:
            running.enter_context(background(one))


def wait_for(what: str, holds: Callable[[], bool], *, timeout_s: float = PATIENCE_S) -> None:
    """Return when ``holds``. Raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)
