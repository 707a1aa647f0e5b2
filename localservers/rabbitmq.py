"""A RabbitMQ broker of one's own: one node with its own epmd, cookie and folders. Runs 3.10 and 4.x."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from localservers.rabbitmq_node import Epmd, Node, amqp_url, new_admin
from localservers.requirements import require


class RabbitMQ:
    """A fresh node in ``folder`` (an earlier one there is removed, unless it is to ``keep``) with the management plug-in;
    with ``metrics`` Prometheus can read it at ``metrics_address`` (host:port).
    """

    def __init__(self, folder: Path, *, metrics: bool = False, keep: bool = False) -> None:
        self._folder = folder
        self._epmd = Epmd()
        admin = new_admin(folder / "password" if keep else None)
        self._node = Node(folder, self._epmd, admin, metrics=metrics, keep=keep)
        self.port, self.admin, self.management = self._node.port, self._node.admin, self._node.management
        self.management_url = f"http://127.0.0.1:{self._node.management_port}"
        self.metrics_address = f"127.0.0.1:{self._node.metrics_port}"

    def __enter__(self) -> Self:
        """Start; returns when the broker and its management API answer. Raises ServerMissing or ServerDied."""
        require("rabbitmq-server")
        self._epmd.start(self._folder)
        self._node.prepare()
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._node.stop()
        self._epmd.kill()

    def url(self, vhost: str, user: str, password: str, *, port: int | None = None) -> str:
        """AMQP URL of a virtual host for a user; ``port`` is that of a proxy before the broker."""
        return amqp_url(port or self.port, vhost, user, password)

    @property
    def log(self) -> Path:
        """The node's own log."""
        return self._node.log

    @property
    def alive(self) -> bool:
        """False when the node has ended."""
        return self._node.alive

    @property
    def pid(self) -> int:
        """Process id of the node."""
        return self._node.pid

    def kill(self) -> None:
        """kill -9 the node. A quorum queue declared less than a second or two before is lost with it, for good."""
        self._node.kill()

    def restart(self) -> None:
        """Start again after ``kill``, on the same ports and data; returns when ready."""
        self._node.start()
        self._node.wait_ready()

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl on this node; returns what it says. Slow (0.7 s): for what the API cannot do."""
        return self._node.ctl(*arguments)
