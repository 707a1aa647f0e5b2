"""Three RabbitMQ nodes of one's own as one broker. Runs 3.10 and 4.x."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from localservers.management import Management
from localservers.proxy import TcpProxy
from localservers.rabbitmq import RabbitMQ
from localservers.rabbitmq_node import Epmd, Node, amqp_url, new_admin
from localservers.requirements import require

NODES = 3
LEADER_TIMEOUT_S = 30.0


class RabbitMQCluster:
    """Three fresh nodes in ``folder``, known to clients by one AMQP and one management address: proxies lead to nodes that
    live. ``entrance`` is the one for AMQP, to be frozen or cut. Quorum queues have a member on each node.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._epmd = Epmd()
        self.admin = new_admin()
        self._nodes = [Node(folder / f"node{number}", self._epmd, self.admin) for number in range(NODES)]
        self.entrance = TcpProxy(*(node.port for node in self._nodes))
        self._management_entrance = TcpProxy(*(node.management_port for node in self._nodes))
        self.port = self.entrance.port
        self.management_url = f"http://127.0.0.1:{self._management_entrance.port}"
        self.management = Management(self.management_url, *self.admin)
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        """Start; returns when every node is in the cluster and answers. Raises ServerMissing or ServerDied."""
        require("rabbitmq-server")
        with ExitStack() as cleanup:
            self._epmd.start(self._folder)
            cleanup.callback(self._epmd.kill)
            first = self._nodes[0]
            for node in self._nodes:
                node.prepare(join=None if node is first else first.name)
                cleanup.callback(node.stop)
            for number in range(NODES):  # one that joins while another still enables its feature flags does not start
                self.restart(number)
            assert first.management.nodes() == sorted(node.name for node in self._nodes)
            cleanup.enter_context(self.entrance)
            cleanup.enter_context(self._management_entrance)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The data is thrown away, so the nodes are not asked to leave in order, which takes seconds."""
        self.kill(*(number for number in range(NODES) if self._nodes[number].alive))
        self._cleanup.close()

    def url(self, vhost: str, user: str, password: str, *, port: int | None = None) -> str:
        """AMQP URL of a virtual host for a user; ``port`` is that of another proxy."""
        return amqp_url(port or self.port, vhost, user, password)

    @property
    def pids(self) -> list[int]:
        """Process ids of the nodes that run."""
        return [node.pid for node in self._nodes if node.alive]

    def kill(self, *numbers: int) -> None:
        """kill -9 these nodes. A quorum queue declared less than a second or two before may be lost, for good."""
        for number in numbers:
            self._nodes[number].kill()

    def restart(self, *numbers: int) -> None:
        """Start these nodes, together, and wait until they are back. After a kill of all, one alone waits for the others."""
        for number in numbers:
            self._nodes[number].start()
        for number in numbers:
            self._nodes[number].wait_ready()

    def leader(self, vhost: str, queue: str) -> int:
        """The number of the node where the queue's leader is."""
        names = [node.name for node in self._nodes]
        deadline = time.monotonic() + LEADER_TIMEOUT_S
        while (found := (self.management.queue(vhost, queue) or {}).get("leader")) not in names:
            assert time.monotonic() < deadline, f"{queue} has no leader: {found}"
            time.sleep(0.1)
        return names.index(found)


Broker = RabbitMQ | RabbitMQCluster
"""What the platform can stand on."""
