"""Child processes of a demonstration: started with a log file each, watched, stopped."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

STOP_TIMEOUT_S = 30.0


class ProcessDied(Exception):
    """A process ended that should run; the message has the end of its log."""


class Processes:
    """The processes that one demonstration started. Only these are ever stopped."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes], Path]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, module: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Run ``python -m module arguments`` with ``environment`` added to this process's own."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=os.environ | dict(environment),
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self._running.append((name, process, log))

    def run(self, name: str, module: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Run one to its end. Raises ProcessDied when it fails."""
        self.start(name, module, *arguments, environment=environment)
        name, process, log = self._running.pop()
        if process.wait(timeout=120) != 0:
            raise ProcessDied(_last_words(name, log))

    def check(self) -> None:
        """Raise ProcessDied if one has ended."""
        for name, process, log in self._running:
            if process.poll() is not None:
                raise ProcessDied(_last_words(name, log))

    def wait_ready(self, url: str, *, ca_file: Path | None = None, timeout_s: float = 90.0) -> None:
        """Poll ``url`` until it answers 200. Raises ProcessDied or TimeoutError."""
        context = ssl.create_default_context(cafile=str(ca_file)) if ca_file else None
        deadline = time.monotonic() + timeout_s
        said = ""
        while time.monotonic() < deadline:
            self.check()
            try:
                with urllib.request.urlopen(url, timeout=5, context=context):  # noqa: S310
                    return
            except urllib.error.HTTPError as error:
                said = error.read().decode(errors="replace")[:500]
            except OSError as error:
                said = str(error)
            time.sleep(0.1)
        raise TimeoutError(f"{url}: {said}")

    def stop(self) -> None:
        """SIGTERM to all, newest first; kill what does not end in time."""
        for _, process, _ in reversed(self._running):
            process.terminate()
        for _, process, _ in reversed(self._running):
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _last_words(name: str, log: Path) -> str:
    return f"{name} 已退出 / has ended; {log}:\n{log.read_text(errors='replace')[-2000:]}"


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
