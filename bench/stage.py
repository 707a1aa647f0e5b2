"""The whole platform for a measurement: every role of every service a process, departments over AMQP, on own servers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from demo.applications import SCHOOL_BUS
from demo.departments import Delays, Departments
from demo.story import Stage, apply, wait_until_open
from evidence.usage import cpu_seconds, memory_bytes, tree
from localservers.platform import EACH_ROLE, SERVICES, ServerPlatform, directory
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ


@dataclass(frozen=True)
class Running:
    """A platform at work. ``story`` is what the demonstration's functions take."""

    platform: ServerPlatform
    postgresql: PostgreSQL
    rabbitmq: RabbitMQ
    departments: Departments
    story: Stage
    roles: Sequence[str]

    def database(self, service: str) -> str:
        """libpq URL of a service's database."""
        return self.platform.database_url(service).replace("+psycopg", "")

    def processes(self) -> dict[str, set[int]]:
        """Process ids by name: each service and role, gateway, bridge, the departments together, the two servers."""
        names = [f"{service}-{role}" for service in SERVICES for role in self.roles]
        found = {name: tree(self.platform.processes.pid(name)) for name in (*names, "gateway", "bridge")}
        return found | {
            "departments": set().union(*map(tree, self.departments.pids())),
            "postgresql": tree(self.postgresql.pid),
            "rabbitmq": tree(self.rabbitmq.pid),
        }

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by name."""
        return {name: cpu_seconds(pids) for name, pids in self.processes().items()}

    def memory(self) -> dict[str, int]:
        """Proportional set size in bytes, by name."""
        return {name: memory_bytes(pids) for name, pids in self.processes().items()}


@contextmanager
def whole_platform(roles: Sequence[str] = EACH_ROLE) -> Iterator[Running]:
    """Servers, platform and departments that answer at once; yields when the first application has been accepted.

    ``roles``: each a process, for each service; ``("all",)`` makes one process of each service.
    """
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-bench-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        rabbitmq = cleanup.enter_context(RabbitMQ(folder / "rabbitmq"))
        platform = ServerPlatform(folder, postgresql, rabbitmq, roles=roles)
        cleanup.callback(platform.processes.stop)
        platform.start()
        departments = Departments()
        cleanup.callback(departments.stop)
        for department in platform.departments:
            door = ["--amqp", platform.department_broker(department)]
            journal = folder / f"journal-{department}.sqlite"
            departments.start(department, delays=Delays(0.0), door=door, journal=journal)
        passwords = {account["username"]: account["password"] for account in directory()["accounts"]}
        story = Stage(platform.base_url, None, passwords, platform.clock_file, departments, folder)
        wait_until_open(story, [SCHOOL_BUS.item])
        apply(story.sign_in(SCHOOL_BUS.username), SCHOOL_BUS)
        yield Running(platform, postgresql, rabbitmq, departments, story, roles)


def one(connection: psycopg.Connection[Any], question: LiteralString, *values: object) -> int:
    """The single integer that a query answers."""
    row = connection.execute(question, values).fetchone()
    assert row is not None
    return int(row[0])
