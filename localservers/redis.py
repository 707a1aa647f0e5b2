"""A Redis server of one's own, in memory only."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from localservers.child import Child
from localservers.ports import free_port, listens
from localservers.requirements import require

READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0


class Redis:
    """A server on a free port of 127.0.0.1; its log lies in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._child: Child | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        """Start; returns when it listens. Raises ServerMissing or ServerDied."""
        require("redis-server")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop(signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)

    def kill(self) -> None:
        """kill -9: the counts are lost."""
        assert self._child is not None
        self._child.kill()

    def restart(self) -> None:
        """Start again after ``kill``, on the same port."""
        program = shutil.which("redis-server") or "redis-server"
        command = [program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._child = Child(command, self._folder / "redis.log", environment=os.environ)
        self._child.wait_until(lambda: listens(self._port), timeout_s=READY_TIMEOUT_S)
