"""The whole platform on local servers: every role of every service, the gateway and its bridge as processes of their own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
VHOST = "tongban"
UNHINDERED = ",".join(f"{policy}=1000000/second" for policy in ("address", "account", "client", "tokens"))
"""A campaign does with a few accounts what a city does with many; counting goes on."""


def directory() -> dict[str, Any]:
    """The demo directory: departments, accounts, clients."""
    content: dict[str, Any] = yaml.safe_load(DIRECTORY.read_text(encoding="utf-8"))
    return content


class ServerPlatform:
    """Made on running servers; ``start`` migrates and starts everything. Program names are ``service-role``, ``gateway``,
    ``bridge`` and ``portal``. With ``database_port`` or ``broker_port`` the programs reach the servers through a proxy.
    """

    def __init__(
        self,
        folder: Path,
        postgresql: PostgreSQL,
        rabbitmq: Broker,
        *,
        roles: Sequence[str] = EACH_ROLE,
        database_port: int | None = None,
        broker_port: int | None = None,
    ) -> None:
        self.folder = folder
        self.clock_file = folder / "clock"
        self.processes = Processes(folder / "logs")
        self.departments = [client["department"] for client in directory()["clients"]]
        self._postgresql, self._rabbitmq, self._roles = postgresql, rabbitmq, roles
        self._database_port, self._broker_port = database_port, broker_port
        self._passwords = {name: secrets.token_urlsafe(16) for name in (*SERVICES, "gateway", *self.departments)}
        self._ports = {name: free_port() for name in (*SERVICES, *DOORS)}
        self.base_url = self.address("gateway")

    def start(self) -> None:
        """Provision, migrate, start, wait until all are ready. Raises ServerDied."""
        provision(
            self._rabbitmq.management_url,
            self._rabbitmq.admin,
            services={name: self._passwords[name] for name in (*SERVICES, "gateway")},
            departments={name: self._passwords[name] for name in self.departments},
        )
        for name in SERVICES:  # every queue exists before anything is told
            self._postgresql.create_database(name)
            self.processes.run(self._service(name, "migrate"))
        for name in SERVICES:
            for role in self._roles:
                self.processes.start(self._service(name, role))
        self.processes.start(self._gateway("gateway", "web"))
        self.processes.start(self._gateway("bridge", "bridge"))
        self.processes.start(self._portal())
        self.processes.wait_ready()

    def database_url(self, service: str) -> str:
        """SQLAlchemy URL of a service's database, straight to the server."""
        return self._postgresql.url(service)

    def department_broker(self, department: str) -> str:
        """AMQP URL of a department's own virtual host."""
        return self._broker_url(f"d.{department}", department)

    def _service(self, name: str, role: str) -> Program:
        serves_http = role in ("web", "all")
        address = f"127.0.0.1:{self._ports[name] if serves_http else free_port()}"
        environment = self._common(name) | {
            "TONGBAN_DATABASE_URL": self._postgresql.url(name, port=self._database_port),
            "TONGBAN_HTTP_ADDRESS" if serves_http else "TONGBAN_OPS_ADDRESS": address,
            "TONGBAN_DATA_DIR": str(self.folder / "data"),
        }
        return Program(f"{name}-{role}", f"services.{name}", ("--role", role), environment, _ready(address))

    def _gateway(self, name: str, role: str) -> Program:
        address = f"127.0.0.1:{self._ports['gateway'] if role == 'web' else free_port()}"
        environment = self._common("gateway") | {
            "TONGBAN_HTTP_ADDRESS" if role == "web" else "TONGBAN_OPS_ADDRESS": address,
            "TONGBAN_DEPARTMENTS": ",".join(self.departments),
            "TONGBAN_DATA_DIR": str(self.folder / "data"),
            "TONGBAN_LIMITS": UNHINDERED,
        }
        return Program(name, "gateway", ("--role", role), environment, _ready(address))

    def _portal(self) -> Program:
        address = f"127.0.0.1:{self._ports['portal']}"
        environment = {
            "TONGBAN_SERVICES": f"gateway={self.base_url}",
            "TONGBAN_PUBLIC_URL": self.base_url,
            "TONGBAN_HTTP_ADDRESS": address,
            "TONGBAN_DATA_DIR": str(self.folder / "data"),
            "TONGBAN_CLOCK_FILE": str(self.clock_file),
        }
        return Program("portal", "portal", (), environment, _ready(address))

    def _common(self, user: str) -> dict[str, str]:
        return {
            "TONGBAN_BUS_URL": self._broker_url(VHOST, user),
            "TONGBAN_SERVICES": ",".join(f"{name}={self.address(name)}" for name in (*SERVICES, *DOORS)),
            "TONGBAN_PUBLIC_URL": self.address("gateway"),
            "TONGBAN_DIRECTORY_FILE": str(DIRECTORY),
            "TONGBAN_REGISTERS_FILE": str(DIRECTORY.with_name("registers.yaml")),
            "TONGBAN_STAFF_SECOND_FACTOR": "offered",
            "TONGBAN_CLOCK_FILE": str(self.clock_file),
        }

    def _broker_url(self, vhost: str, user: str) -> str:
        return self._rabbitmq.url(vhost, user, self._passwords[user], port=self._broker_port)

    def address(self, name: str) -> str:
        """Base URL of a service or the gateway."""
        return f"http://127.0.0.1:{self._ports[name]}"


def _ready(address: str) -> str:
    return f"http://{address}{READY_PATH}"
