"""What the processes of one contender and the servers spend, and how much the database writes ahead."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import psycopg

from bench.stage import one
from evidence.usage import cpu_seconds, tree
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ


class Meter:
    """``workers``: name -> process ids. This process counts as the starter of cases."""

    def __init__(self, workers: Mapping[str, Sequence[int]], postgresql: PostgreSQL, rabbitmq: RabbitMQ) -> None:
        self._workers = {"starter": [os.getpid()], **workers}
        self._postgresql, self._rabbitmq = postgresql, rabbitmq
        self._connection = psycopg.connect(postgresql.url("postgres").replace("+psycopg", ""), autocommit=True)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by name."""
        servers = {"postgresql": self._postgresql.pid, "rabbitmq": self._rabbitmq.pid}
        return {name: cpu_seconds(pids) for name, pids in self._workers.items()} | {
            name: cpu_seconds(tree(pid)) for name, pid in servers.items()
        }

    def wal_bytes(self) -> int:
        """Bytes written ahead so far."""
        return one(self._connection, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
