"""What servers of one program have in common: started by ``with``, killed, started again on the same ports, stopped."""

from __future__ import annotations

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import urllib3

from localservers.child import Child
from localservers.requirements import require

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


class Server(ABC):
    """One process; its log lies in ``folder``. A kind of server says which ``package`` has it and how it is started."""

    package: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start; returns when it is ready. Raises ServerMissing or ServerDied."""
        require(self.package)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._prepare()
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.stop(signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.folder / f"{self.package}.log"

    @property
    def alive(self) -> bool:
        """False when it has ended."""
        return self._running.alive

    @property
    def pid(self) -> int:
        """Process id."""
        return self._running.pid

    def kill(self) -> None:
        """kill -9."""
        self._running.kill()

    def restart(self) -> None:
        """Start again after ``kill``; returns when ready. Raises ServerDied."""
        self._child = Child(self._command(), self.log, environment=self._environment())
        self._child.wait_until(self._ready, timeout_s=READY_TIMEOUT_S)

    @property
    def _running(self) -> Child:
        assert self._child is not None
        return self._child

    def _prepare(self) -> None:  # noqa: B027 - many need nothing
        """What has to be there before the first start."""

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    @abstractmethod
    def _command(self) -> list[str]:
        """What to execute."""

    @abstractmethod
    def _ready(self) -> bool:
        """Whether it serves."""


def answers(url: str) -> bool:
    """True when a GET is answered with 200."""
    try:
        return urllib3.request("GET", url, timeout=5, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
