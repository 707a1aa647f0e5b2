"""The whole platform on local servers: every role of every service, the gateway and its bridge as processes of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from gateway.provision import provision
from localservers.ports import free_port
from localservers.postgresql import PostgreSQL
from localservers.processes import READY_PATH, Processes, Program
from localservers.rabbitmq_cluster import Broker

DIRECTORY = Path("catalogs/directory/demo.yaml")
SERVICES = ("identity", "catalog", "workflow", "documents", "audit")
DOORS = ("gateway", "portal")
EACH_ROLE = ("web", "worker", "jobs")
SERVING = ("web", "all")
VHOST = "tongban"
UNHINDERED = ",".join(f"{policy}=1000000/second" for policy in ("address", "account", "client", "tokens"))
"""A campaign does with a few accounts what a city does with many; counting goes on."""


def directory() -> dict[str, Any]:
    """The demo directory: departments, accounts, clients."""
    content: dict[str, Any] = yaml.safe_load(DIRECTORY.read_text(encoding="utf-8"))
    return content


class Part(NamedTuple):
    """One process of the platform: what it is, and how it is started."""

    service: str
    role: str
    program: Program


class ServerPlatform:
    """Made on running servers; ``start`` migrates and starts everything. Program names are ``service-role``, ``gateway``,
    ``bridge`` and ``portal``. With ``database_port`` or ``broker_port`` the programs reach the servers through a proxy.

    ``instances``: how many processes serve each web role, or by name of service or door; a second one is called
    ``workflow-web-2``, ``gateway-2``. They find each other by ``consul`` (the agent's URL), else by a list. People come to
    the first gateway, at ``public_url`` if that is set (its port is then the gateway's). ``departments``: those that work
    over AMQP, by default all. ``settings``: more of them, for every program.
    """

    def __init__(
        self,
        folder: Path,
        postgresql: PostgreSQL,
        rabbitmq: Broker,
        *,
        roles: Sequence[str] = EACH_ROLE,
        instances: int | Mapping[str, int] = 1,
        database_port: int | None = None,
        broker_port: int | None = None,
        consul: str | None = None,
        public_url: str | None = None,
        departments: Sequence[str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.clock_file = folder / "clock"
        self.processes = Processes(folder / "logs")
        everyone = [client["department"] for client in directory()["clients"]]
        self.departments = everyone if departments is None else list(departments)
        self._postgresql, self._rabbitmq, self._roles = postgresql, rabbitmq, roles
        self._database_port, self._broker_port = database_port, broker_port
        self._consul, self._settings = consul, dict(settings or {})
        self._passwords = {name: secrets.token_urlsafe(16) for name in (*SERVICES, "gateway", *self.departments)}
        self._ports = {name: [free_port() for _ in range(_count(instances, name))] for name in (*SERVICES, *DOORS)}
        if public_url is not None:
            self._ports["gateway"][0] = urlsplit(public_url).port or 80
        self.public_url = public_url or self.address("gateway")
        self.base_url = self.address("gateway")

    @cached_property
    def parts(self) -> list[Part]:
        """Every process, in the order of their start."""
        return [*self._services(), *self._doors()]

    def start(self) -> None:
        """Provision, migrate, start, wait until all are ready. Raises ServerDied."""
        self.prepare()
        for part in self.parts:
            self.processes.start(part.program)
        self.processes.wait_ready()

    def prepare(self) -> None:
        """Provision the broker, migrate the databases. Raises ServerDied."""
        provision(
            self._rabbitmq.management_url,
            self._rabbitmq.admin,
            services={name: self._passwords[name] for name in (*SERVICES, "gateway")},
            departments={name: self._passwords[name] for name in self.departments},
        )
        # Every queue exists before anything is told.
        for name in SERVICES:
            self._postgresql.create_database(name)
        self.processes.run_all([self._service(f"{name}-migrate", name, "migrate", free_port()) for name in SERVICES])

    def database_url(self, service: str) -> str:
        """SQLAlchemy URL of a service's database, straight to the server."""
        return self._postgresql.url(service)

    def department_broker(self, department: str) -> str:
        """AMQP URL of a department's own virtual host."""
        return self._broker_url(f"d.{department}", department)

    def address(self, name: str) -> str:
        """Base URL of a service or the gateway: of the first instance."""
        return self.addresses(name)[0]

    def addresses(self, name: str) -> list[str]:
        """Base URLs of all instances of a service, the gateway or the portal."""
        return [f"http://127.0.0.1:{port}" for port in self._ports[name]]

    def _services(self) -> Iterator[Part]:
        for name in SERVICES:
            for role in self._roles:
                for number, port in enumerate(self._ports[name] if role in SERVING else [free_port()]):
                    program = self._service(_numbered(f"{name}-{role}", number), name, role, port)
                    yield Part(name, role, program)

    def _doors(self) -> Iterator[Part]:
        for number, port in enumerate(self._ports["gateway"]):
            yield Part("gateway", "web", self._gateway(_numbered("gateway", number), "web", port))
        yield Part("bridge", "bridge", self._gateway("bridge", "bridge", free_port()))
        for number, port in enumerate(self._ports["portal"]):
            yield Part("portal", "web", self._portal(_numbered("portal", number), port))

    def _service(self, program: str, name: str, role: str, port: int) -> Program:
        environment = {
            "TONGBAN_DATABASE_URL": self._postgresql.url(name, port=self._database_port),
            "TONGBAN_HTTP_ADDRESS" if role in SERVING else "TONGBAN_OPS_ADDRESS": f"127.0.0.1:{port}",
        }
        return self._program(program, f"services.{name}", ("--role", role), self._common(name) | environment, port)

    def _gateway(self, program: str, role: str, port: int) -> Program:
        environment = {
            "TONGBAN_HTTP_ADDRESS" if role in SERVING else "TONGBAN_OPS_ADDRESS": f"127.0.0.1:{port}",
            "TONGBAN_DEPARTMENTS": ",".join(self.departments),
            "TONGBAN_LIMITS": UNHINDERED,
        }
        return self._program(program, "gateway", ("--role", role), self._common("gateway") | environment, port)

    def _portal(self, program: str, port: int) -> Program:
        environment = self._everywhere(("gateway",)) | {"TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{port}"}
        return self._program(program, "portal", (), environment, port)

    def _program(
        self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str], port: int
    ) -> Program:
        ready_url = f"http://127.0.0.1:{port}{READY_PATH}"
        return Program(name, module, arguments, dict(environment) | self._settings, ready_url)

    def _common(self, user: str) -> dict[str, str]:
        """For those that speak with the bus."""
        return self._everywhere((*SERVICES, *DOORS)) | {
            "TONGBAN_BUS_URL": self._broker_url(VHOST, user),
            "TONGBAN_DIRECTORY_FILE": str(DIRECTORY),
            "TONGBAN_REGISTERS_FILE": str(DIRECTORY.with_name("registers.yaml")),
            "TONGBAN_STAFF_SECOND_FACTOR": "offered",
        }

    def _everywhere(self, known: Sequence[str]) -> dict[str, str]:
        listed = ",".join(f"{name}={'|'.join(self.addresses(name))}" for name in known)
        return {
            "TONGBAN_PUBLIC_URL": self.public_url,
            "TONGBAN_DATA_DIR": str(self.folder / "data"),
            "TONGBAN_CLOCK_FILE": str(self.clock_file),
        } | ({"TONGBAN_CONSUL": self._consul} if self._consul else {"TONGBAN_SERVICES": listed})

    def _broker_url(self, vhost: str, user: str) -> str:
        return self._rabbitmq.url(vhost, user, self._passwords[user], port=self._broker_port)


def _count(instances: int | Mapping[str, int], name: str) -> int:
    return instances if isinstance(instances, int) else instances.get(name, 1)


def _numbered(name: str, number: int) -> str:
    """The first has the plain name."""
    return f"{name}-{number + 1}" if number else name
