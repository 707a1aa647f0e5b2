"""One server process: started under a guard, stopped politely or by kill -9."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

GUARD = Path(__file__).with_name("guard.py")
KILL_TIMEOUT_S = 30.0


class Account(NamedTuple):
    """Whom a server runs as; -1 keeps the caller."""

    uid: int = -1
    gid: int = -1


class ServerDied(Exception):
    """A server ended, or was not ready in time; the message has the end of its log."""


class Child:
    """A running server. ``pid`` is the server's own process id, not the guard's."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str],
        account: Account | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start it in ``folder`` (by default the log's)."""
        self._log = log
        uid, gid = account or Account()
        with log.open("ab") as out:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARD), str(uid), str(gid), *command],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, env=dict(environment),
                cwd=folder or log.parent, start_new_session=True,
            )  # fmt: skip
        assert self._guard.stdout is not None
        said = self._guard.stdout.readline()
        self._guard.stdout.close()
        if not said:
            raise ServerDied(self._last_words())
        self.pid = int(said)

    @property
    def alive(self) -> bool:
        """False when the server has ended."""
        return self._guard.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Poll ``ready``. Raises ServerDied."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.alive or time.monotonic() > deadline:
                self.kill()
                raise ServerDied(self._last_words())
            time.sleep(0.02)

    def stop(self, polite: signal.Signals, *, timeout_s: float) -> None:
        """Ask with ``polite``; kill what has not ended in time."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, polite)
        self.wait_end(timeout_s=timeout_s)

    def wait_end(self, *, timeout_s: float) -> None:
        """Return when it has ended; kill it when it has not in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """kill -9 the server and every process it started; returns when they are gone."""
        if self.alive:
            for pid in [self.pid, *_children(self.pid)]:
                _kill(pid)
            self._guard.wait(KILL_TIMEOUT_S)
        assert self._guard.stdin is not None
        self._guard.stdin.close()

    def _last_words(self) -> str:
        return f"{self._log}:\n{self._log.read_text(errors='replace')[-3000:]}"


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    """Direct children of ``pid``; PostgreSQL's are in sessions of their own."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []
