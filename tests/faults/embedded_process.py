"""The embedded platform as a process that may die: started, watched, started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import urllib3

from localservers.ports import free_port

START_TIMEOUT_S = 90.0


class EmbeddedProcess:
    """One data folder, one address, one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.deaths = 0
        self._http = urllib3.PoolManager(timeout=20, retries=False)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, failpoint: str | None = None) -> None:
        """Start and wait until it answers, or until the failpoint has killed it already."""
        environment = os.environ | {
            "TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{self.port}",
            "TONGBAN_DATA_DIR": str(self.folder),
            "TONGBAN_LOG_LEVEL": "WARNING",
        }
        if failpoint:
            environment["TONGBAN_FAILPOINT"] = failpoint
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "embedded", "--no-departments"],
                env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if self._http.request("GET", f"{self.base_url}/health/ready").status == 200:
                    return
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.1)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """A response. A process that has died is started again, without a failpoint, and the call repeated."""
        while True:
            try:
                return self._http.request(method, self.base_url + path, **kwargs)
            except urllib3.exceptions.HTTPError:
                self._revive()

    def _revive(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return
        self.deaths += 1
        self.start()

    def ensure_alive(self) -> None:
        """Start again if it has died."""
        if self._process is None or self._process.poll() is not None:
            self._revive()

    def kill(self) -> None:
        """End whatever still runs, worker and companions included."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
