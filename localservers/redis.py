"""A Redis server of one's own, in memory only."""

from __future__ import annotations

import shutil
from pathlib import Path

from localservers.ports import free_port, listens
from localservers.server import Server


class Redis(Server):
    """A server on a free port of 127.0.0.1. It forgets everything when it ends."""

    package = "redis-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def _command(self) -> list[str]:
        program = shutil.which(self.package) or self.package
        return [program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def _ready(self) -> bool:
        return listens(self._port)
