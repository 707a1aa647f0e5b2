"""A RabbitMQ broker of one's own: one node with its own epmd, cookie and folders. Runs 3.10 and 4.x."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from localservers.child import Child
from localservers.management import Management
from localservers.ports import free_port
from localservers.requirements import RABBITMQ_SERVER, require

ADMIN = "administrator"
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
"""


class RabbitMQ:
    """A fresh node in ``folder`` (an earlier one there is removed) with the management plug-in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.port, self._epmd_port, self._dist_port, self._ctl_port, management = (free_port() for _ in range(5))
        self.management_url = f"http://127.0.0.1:{management}"
        self.admin = (ADMIN, secrets.token_urlsafe(16))
        self.management = Management(self.management_url, *self.admin)
        self._management_port = management
        self._epmd: Child | None = None
        self._node: Child | None = None

    def __enter__(self) -> Self:
        """Start; returns when the broker and its management API answer. Raises ServerMissing or ServerDied."""
        require("rabbitmq-server")
        self._prepare()
        self._epmd = Child(
            [shutil.which("epmd") or "epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"],
            self._folder / "epmd.log", environment=self._environment(),
        )  # fmt: skip
        self._epmd.wait_until(lambda: _listens(self._epmd_port), timeout_s=10)
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._node is not None:
            self._node.stop(signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)
        if self._epmd is not None:
            self._epmd.kill()

    def url(self, vhost: str, user: str, password: str) -> str:
        """AMQP URL of a virtual host for a user."""
        return f"amqp://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    @property
    def pid(self) -> int:
        """Process id of the node."""
        assert self._node is not None
        return self._node.pid

    def kill(self) -> None:
        """kill -9 the node. A quorum queue declared less than a second or two before is lost with it, for good."""
        assert self._node is not None
        self._node.kill()

    def restart(self) -> None:
        """Start again after ``kill``, on the same ports and data; returns when ready."""
        self._start()

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl on this node; returns what it says. Slow (0.7 s): for what the API cannot do."""
        command = [str(RABBITMQ_SERVER.with_name("rabbitmqctl")), "--quiet", *arguments]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=True)
        return done.stdout

    def _start(self) -> None:
        self._node = Child([str(RABBITMQ_SERVER)], self._folder / "rabbitmq.log", environment=self._environment())
        self._node.wait_until(self._ready, timeout_s=READY_TIMEOUT_S)

    def _ready(self) -> bool:
        return _listens(self.port) and self.management.alive()

    def _prepare(self) -> None:
        """Folders, cookie, configuration."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in ("mnesia", "log", "generated", "schema"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
            (self._folder / name).mkdir()
        cookie = self._folder / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        user, password = self.admin
        config = _CONFIG.format(amqp=self.port, management=self._management_port, user=user, password=password)
        (self._folder / "rabbitmq.conf").write_text(config)
        (self._folder / "advanced.config").write_text("[].\n")
        (self._folder / "enabled_plugins").write_text("[rabbitmq_management].\n")

    def _environment(self) -> dict[str, str]:
        """All that the scripts read, so that nothing of a broker installed on the machine is touched."""
        folder = self._folder
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"tongban{self.port}@localhost",
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
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self._ctl_port),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(self._ctl_port),
        }


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
