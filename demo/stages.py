"""The two ways the platform runs: embedded in one process with HTTPS departments, or on real servers over AMQP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from demo.certificate import make_certificate
from demo.departments import Delays, Departments
from demo.story import Stage
from localservers.platform import DIRECTORY, ServerPlatform, directory
from localservers.ports import free_port
from localservers.postgresql import PostgreSQL
from localservers.processes import Processes, Program
from localservers.rabbitmq import RabbitMQ

DELAY_S = 2.5
QUICK_S = 0.3
SLOW_S = 12.0
LEAD_DEPARTMENTS = ("education", "county_government")


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
            "TONGBAN_STAFF_SECOND_FACTOR": "offered",
            "TONGBAN_CLOCK_FILE": str(folder / "clock"),
            "TONGBAN_TLS_CERTIFICATE": str(certificate),
            "TONGBAN_TLS_KEY": str(key),
            "TONGBAN_WEB_THREADS": "32",
        }
        ready_url = f"{base_url}/health/ready"
        processes.start(Program("platform", "embedded", ("--no-departments",), environment, ready_url, certificate))
        processes.wait_ready()
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
        platform = ServerPlatform(folder, postgresql, rabbitmq, roles=("all",))
        cleanup.callback(platform.processes.stop)
        platform.start()
        departments = Departments()
        cleanup.callback(departments.stop)
        for department in platform.departments:
            departments.start(
                department,
                door=["--amqp", platform.department_broker(department)],
                journal=folder / f"journal-{department}.sqlite",
                delays=delays(department, slow_department),
            )
        yield _stage(folder, platform.base_url, None, departments)
