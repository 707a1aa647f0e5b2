"""Processes of the platform itself: started by name with a log file each, watched, killed, started again, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from localservers.child import Child, ServerDied

READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
RUN_TIMEOUT_S = 120.0
READY_PATH = "/health/ready"


@dataclass(frozen=True)
class Program:
    """``python -m module arguments`` with ``environment`` added to ours; ready when ``ready_url`` answers 200."""

    name: str
    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    ready_url: str
    ca_file: Path | None = None

    @property
    def base_url(self) -> str:
        """Where it serves."""
        return self.ready_url.removesuffix(READY_PATH)

    def command(self) -> list[str]:
        """What to execute."""
        return [sys.executable, "-m", self.module, *self.arguments]


class Processes:
    """The processes that one run started. Only these are ever stopped; they end with this process, however it ends."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._programs: dict[str, Program] = {}
        self._children: dict[str, Child] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def run_all(self, programs: Sequence[Program]) -> None:
        """Run each to its end, side by side. Raises ServerDied when one fails."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.run, programs))

    def run(self, program: Program) -> None:
        """Run one to its end. Raises ServerDied when it fails."""
        log = self.log(program.name)
        with log.open("ab") as out:
            done = subprocess.run(
                program.command(), env=os.environ | dict(program.environment), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, timeout=RUN_TIMEOUT_S, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            raise ServerDied(f"{log}:\n{log.read_text(errors='replace')[-3000:]}")

    def start(self, program: Program, environment: Mapping[str, str] | None = None) -> None:
        """Start it; a name may be started again when its process has ended. ``environment`` counts this time only."""
        self._programs[program.name] = program
        self._children[program.name] = Child(
            program.command(), self.log(program.name).resolve(),
            environment=os.environ | dict(program.environment) | dict(environment or {}), folder=Path.cwd(),
        )  # fmt: skip

    def restart(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a program again that ended or was killed."""
        self.start(self._programs[name], environment)

    def wait_ready(self, *names: str) -> None:
        """Return when each answers 200. Raises ServerDied with the end of its log."""
        for name in names or tuple(self._children):
            self._children[name].wait_until(lambda name=name: not self.trouble(name), timeout_s=READY_TIMEOUT_S)  # type: ignore[misc]

    def trouble(self, name: str) -> str | None:
        """What its readiness page says now; None when it is ready."""
        return _trouble(self._programs[name])

    def alive(self, name: str) -> bool:
        """False when its process has ended."""
        return self._children[name].alive

    def names(self) -> list[str]:
        """Names of those that were started."""
        return list(self._children)

    def ended(self) -> list[str]:
        """Names of those that have ended."""
        return [name for name in self._children if not self.alive(name)]

    def log(self, name: str) -> Path:
        """Where it writes."""
        return self._logs / f"{name}.log"

    def pid(self, name: str) -> int:
        """Process id; the server's worker is a child of it."""
        return self._children[name].pid

    def kill(self, name: str) -> None:
        """kill -9, worker included; returns when it is gone."""
        self._children[name].kill()

    def stop(self, *names: str, polite: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM to these, or to all, at once; kill what does not end in time. A server that gets SIGINT does not wait for
        those to hear of it who would send it more.
        """
        chosen = names or tuple(self._children)
        for name in chosen:
            if self.alive(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid(name), polite)
        for name in chosen:
            self._children[name].wait_end(timeout_s=STOP_TIMEOUT_S)


def _trouble(program: Program) -> str | None:
    context = ssl.create_default_context(cafile=str(program.ca_file)) if program.ca_file else None
    try:
        with urllib.request.urlopen(program.ready_url, timeout=5, context=context):  # noqa: S310
            return None
    except urllib.error.HTTPError as answer:
        return answer.read().decode(errors="replace")
    except (urllib.error.URLError, OSError) as error:
        return repr(error)
