"""A Prometheus exporter for a PostgreSQL server of one's own, as a user who sees statistics only."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from localservers.ports import free_port
from localservers.postgresql import PostgreSQL
from localservers.requirements import POSTGRES_EXPORTER
from localservers.server import Server, answers

USER = "watcher"


class PostgresExporter(Server):
    """A process on a free port of 127.0.0.1. It finds the server's databases by itself."""

    package = POSTGRES_EXPORTER

    def __init__(self, folder: Path, postgresql: PostgreSQL) -> None:
        super().__init__(folder)
        self._postgresql = postgresql
        self._password = secrets.token_urlsafe(16)
        self.address = f"127.0.0.1:{free_port()}"

    def _prepare(self) -> None:
        self._postgresql.create_watcher(USER, self._password)

    def _command(self) -> list[str]:
        return [
            shutil.which(self.package) or self.package, f"--web.listen-address={self.address}",
            "--auto-discover-databases", "--log.level=warn",
        ]  # fmt: skip

    def _environment(self) -> Mapping[str, str]:
        source = f"postgresql://{USER}:{self._password}@127.0.0.1:{self._postgresql.port}/postgres?sslmode=disable"
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "DATA_SOURCE_NAME": source}

    def _ready(self) -> bool:
        return answers(f"http://{self.address}/metrics")
