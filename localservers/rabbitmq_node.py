"""One RabbitMQ node with its own folders and ports; a broker is one node, or several with one cookie and one epmd."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from chassis.keys import read_or_create
from localservers.child import Child
from localservers.management import Management
from localservers.ports import free_port, listens
from localservers.requirements import RABBITMQ_SERVER

READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0

_CONFIG = """\
listeners.tcp.default = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
default_user = {user}
default_pass = {password}
collect_statistics_interval = 1000
log.file.level = info
log.console = false
log.exchange = true
log.exchange.level = error
"""
_METRICS = """\
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {port}
"""
# A newcomer waits for the first node as long as that takes: one that gave up would be a broker of its own.
_JOIN = """\
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = {first}
cluster_formation.classic_config.nodes.2 = {own}
cluster_formation.discovery_retry_limit = 1000
cluster_formation.discovery_retry_interval = 200
"""


class Epmd:
    """Erlang's port mapper, and the cookie that its nodes share."""

    def __init__(self) -> None:
        self.port = free_port()
        self.cookie = secrets.token_hex(16)
        self._child: Child | None = None

    def start(self, folder: Path) -> None:
        """Returns when it answers. Raises ServerDied."""
        folder.mkdir(parents=True, exist_ok=True)
        self._child = Child(
            [shutil.which("epmd") or "epmd", "-port", str(self.port), "-address", "127.0.0.1"],
            folder / "epmd.log", environment=_programs(),
        )  # fmt: skip
        self._child.wait_until(lambda: listens(self.port), timeout_s=10)

    def kill(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.kill()


class Node:
    """A fresh node in ``folder`` (an earlier one there is removed, unless it is to ``keep``) with the management plug-in, and
    with ``metrics`` the one that Prometheus reads, at ``metrics_port``.
    """

    def __init__(
        self, folder: Path, epmd: Epmd, admin: tuple[str, str], *, metrics: bool = False, keep: bool = False
    ) -> None:
        self._folder, self._epmd = folder.resolve(), epmd
        self.port, self.management_port, self._dist_port, self._ctl_port = (free_port() for _ in range(4))
        self.metrics_port = free_port() if metrics else None
        self._keep = keep
        self.name = "tongban@localhost" if keep else f"tongban{self.port}@localhost"  # data is known by the node's name
        self.admin = admin
        self.management = Management(f"http://127.0.0.1:{self.management_port}", *admin)
        self._child: Child | None = None

    def prepare(self, *, join: str | None = None) -> None:
        """Folders, cookie, configuration. ``join`` names the node whose cluster it enters at its first start."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in ("mnesia", "log", "generated", "schema"):
            if not self._keep:
                shutil.rmtree(self._folder / name, ignore_errors=True)
            (self._folder / name).mkdir(exist_ok=True)
        cookie = self._folder / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        cookie.write_text(self._epmd.cookie)
        cookie.chmod(0o400)
        user, password = self.admin
        config = _CONFIG.format(amqp=self.port, management=self.management_port, user=user, password=password)
        if self.metrics_port:
            config += _METRICS.format(port=self.metrics_port)
        if join:
            config += _JOIN.format(first=join, own=self.name)
        (self._folder / "rabbitmq.conf").write_text(config)
        (self._folder / "advanced.config").write_text("[].\n")
        plugins = ["rabbitmq_management", *(["rabbitmq_prometheus"] if self.metrics_port else [])]
        (self._folder / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n")

    def start(self) -> None:
        """Start, for the first time or after ``kill``, on the same ports and data. Raises ServerDied."""
        self._child = Child([str(RABBITMQ_SERVER)], self._folder / "rabbitmq.log", environment=self._environment())

    def wait_ready(self) -> None:
        """Return when AMQP and the management API answer. Raises ServerDied."""
        self._running.wait_until(self._ready, timeout_s=READY_TIMEOUT_S)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._running.pid

    @property
    def log(self) -> Path:
        """The log that the node writes: refused operations and connections among the rest."""
        return self._folder / "log" / f"{self.name}.log"

    @property
    def alive(self) -> bool:
        """False before ``start`` and when it has ended."""
        return self._child is not None and self._child.alive

    def kill(self) -> None:
        """kill -9."""
        self._running.kill()

    def stop(self) -> None:
        """Politely, if it runs."""
        if self._child is not None:
            self._child.stop(signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl on this node; returns what it says. Slow (0.7 s): for what the API cannot do."""
        command = [str(RABBITMQ_SERVER.with_name("rabbitmqctl")), "--quiet", *arguments]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=True)
        return done.stdout

    @property
    def _running(self) -> Child:
        assert self._child is not None
        return self._child

    def _ready(self) -> bool:
        return listens(self.port) and self.management.alive()

    def _environment(self) -> dict[str, str]:
        """All that the scripts read, so that nothing of a broker installed on the machine is touched."""
        folder = self._folder
        return _programs() | {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_SCHEMA_DIR": f"{folder}/schema",
            "RABBITMQ_FEATURE_FLAGS_FILE": f"{folder}/feature_flags",
            "RABBITMQ_ALLOW_INPUT": "1",  # no shell between the guard and the node
            "RABBITMQ_SERVER_START_ARGS": "-noinput",  # which the variable above would leave out
            "ERL_EPMD_PORT": str(self._epmd.port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self._ctl_port),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(self._ctl_port),
        }


def new_admin(file: Path | None = None) -> tuple[str, str]:
    """User and password of a broker's administrator; of a node that is kept the password is in ``file``."""
    password = secrets.token_urlsafe(16)
    return "administrator", read_or_create(file, password.encode).decode() if file else password


def amqp_url(port: int, vhost: str, user: str, password: str) -> str:
    """AMQP URL of a virtual host for a user."""
    return f"amqp://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{port}/{quote(vhost, safe='')}"


def _programs() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
