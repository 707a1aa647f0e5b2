"""The two ways the platform runs: embedded in one process with HTTPS departments, or on real servers over AMQP."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from demo.certificate import make_certificate
from demo.departments import Delays, Departments
from demo.processes import Processes, free_port
from demo.story import Stage
from gateway.provision import provision
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

DIRECTORY = Path("catalogs/directory/demo.yaml")
SERVICES = ("identity", "catalog", "workflow", "documents", "audit")
DELAY_S = 2.5
QUICK_S = 0.3
SLOW_S = 12.0
LEAD_DEPARTMENTS = ("education", "county_government")


def directory() -> dict[str, Any]:
    """The demo directory: departments, accounts, clients."""
    content: dict[str, Any] = yaml.safe_load(DIRECTORY.read_text(encoding="utf-8"))
    return content


def _stage(folder: Path, base_url: str, ca_file: Path | None, departments: Departments) -> Stage:
    passwords = {account["username"]: account["password"] for account in directory()["accounts"]}
    return Stage(base_url, str(ca_file) if ca_file else None, passwords, folder / "clock", departments, folder)


def delays(department: str, slow_department: str) -> Delays:
    """Lead departments and the handing over of plates are quick; the slow one takes long."""
    if department == slow_department:
        return Delays(SLOW_S)
    return Delays(QUICK_S if department in LEAD_DEPARTMENTS else DELAY_S, {"issue_plate": QUICK_S})


@contextmanager
def embedded_stage(folder: Path, slow_department: str) -> Iterator[Stage]:
    """The platform in one process over HTTPS; each department a process of its own, over HTTPS too."""
    certificate, key = make_certificate(folder)
    port = free_port()
    base_url = f"https://127.0.0.1:{port}"
    with ExitStack() as cleanup:
        processes = Processes(folder / "logs")
        cleanup.callback(processes.stop)
        environment = {
            "TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{port}",
            "TONGBAN_PUBLIC_URL": base_url,
            "TONGBAN_DATA_DIR": str(folder / "data"),
            "TONGBAN_DIRECTORY_FILE": str(DIRECTORY),
            "TONGBAN_CLOCK_FILE": str(folder / "clock"),
            "TONGBAN_TLS_CERTIFICATE": str(certificate),
            "TONGBAN_TLS_KEY": str(key),
            "TONGBAN_WEB_THREADS": "32",
        }
        processes.start("platform", "embedded", "--no-departments", environment=environment)
        processes.wait_ready(f"{base_url}/health/ready", ca_file=certificate)
        departments = Departments()
        cleanup.callback(departments.stop)
        for client in directory()["clients"]:
            door = ["--https", base_url, "--client-id", client["client_id"], "--client-secret", client["client_secret"]]
            departments.start(
                client["department"],
                door=[*door, "--ca-file", str(certificate)],
                journal=folder / f"journal-{client['department']}.sqlite",
                delays=delays(client["department"], slow_department),
            )
        yield _stage(folder, base_url, certificate, departments)


@contextmanager
def servers_stage(folder: Path, slow_department: str) -> Iterator[Stage]:
    """RabbitMQ and PostgreSQL; every service, the gateway, its bridge and every department a process of its own."""
    with ExitStack() as cleanup:
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        rabbitmq = cleanup.enter_context(RabbitMQ(folder / "rabbitmq"))
        passwords = {name: secrets.token_urlsafe(16) for name in (*SERVICES, "gateway")}
        department_passwords = {client["department"]: secrets.token_urlsafe(16) for client in directory()["clients"]}
        provision(rabbitmq.management_url, rabbitmq.admin, services=passwords, departments=department_passwords)
        processes = Processes(folder / "logs")
        cleanup.callback(processes.stop)
        ports = {name: free_port() for name in (*SERVICES, "gateway")}
        base_url = f"http://127.0.0.1:{ports['gateway']}"
        common = {
            "TONGBAN_SERVICES": ",".join(f"{name}=http://127.0.0.1:{ports[name]}" for name in SERVICES),
            "TONGBAN_PUBLIC_URL": base_url,
            "TONGBAN_DIRECTORY_FILE": str(DIRECTORY),
            "TONGBAN_CLOCK_FILE": str(folder / "clock"),
        }
        environments = {
            name: common
            | {
                "TONGBAN_DATABASE_URL": postgresql.url(name),
                "TONGBAN_BUS_URL": rabbitmq.url("tongban", name, passwords[name]),
                "TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{ports[name]}",
                "TONGBAN_DATA_DIR": str(folder / "data"),
            }
            for name in SERVICES
        }
        for name, environment in environments.items():  # every queue exists before anything is told
            postgresql.create_database(name)
            processes.run(f"{name}-migrate", f"services.{name}", "--role", "migrate", environment=environment)
        for name, environment in environments.items():
            processes.start(name, f"services.{name}", "--role", "all", environment=environment)
        gateway = common | {
            "TONGBAN_BUS_URL": rabbitmq.url("tongban", "gateway", passwords["gateway"]),
            "TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{ports['gateway']}",
            "TONGBAN_OPS_ADDRESS": f"127.0.0.1:{free_port()}",
            "TONGBAN_DEPARTMENTS": ",".join(department_passwords),
        }
        processes.start("gateway", "gateway", "--role", "web", environment=gateway)
        processes.start("bridge", "gateway", "--role", "bridge", environment=gateway)
        for name in SERVICES:
            processes.wait_ready(f"http://127.0.0.1:{ports[name]}/health/ready")
        processes.wait_ready(f"{base_url}/health/ready")
        processes.wait_ready(f"http://{gateway['TONGBAN_OPS_ADDRESS']}/health/ready")
        departments = Departments()
        cleanup.callback(departments.stop)
        for department, password in department_passwords.items():
            departments.start(
                department,
                door=["--amqp", rabbitmq.url(f"d.{department}", department, password)],
                journal=folder / f"journal-{department}.sqlite",
                delays=delays(department, slow_department),
            )
        yield _stage(folder, base_url, None, departments)
