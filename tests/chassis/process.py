"""The tiny service as a real process: started, asked, killed."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from localservers.ports import free_port
from tests.chassis.rig import eventually

STOP_TIMEOUT_S = 10


class TinyProcess:
    """``python -m tests.chassis.tiny --role all`` on its own port; ``pid`` is the watcher's, ``worker`` does the work."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, failpoint: str | None = None) -> None:
        self.log = folder / "tiny.log"
        self.port = free_port()
        own = {"TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{self.port}", "TONGBAN_STOP_TIMEOUT_S": str(STOP_TIMEOUT_S)}
        if failpoint:
            own["TONGBAN_FAILPOINT"] = failpoint
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "tests.chassis.tiny", "--role", "all"],
                env=os.environ | dict(environment) | own, stdout=out, stderr=out,
            )  # fmt: skip

    @property
    def worker(self) -> int | None:
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children")
        pids = children.read_text().split() if children.exists() else []
        return int(pids[0]) if pids else None

    def ask(self, method: str, path: str) -> int:
        """HTTP status. Raises OSError when the process is not there, or goes away."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        except http.client.HTTPException as error:
            raise ConnectionError(repr(error)) from error
        finally:
            connection.close()

    def tells(self, note_no: str) -> bool:
        """True when the note was acknowledged; False when the process died over it."""
        while self.popen.poll() is None:
            try:
                return self.ask("POST", f"/notes/{note_no}") in (200, 201)
            except OSError:
                time.sleep(0.02)
        return False

    def wait_ready(self) -> None:
        def ready() -> bool:
            assert self.popen.poll() is None, self.log.read_text()[-3000:]
            try:
                return self.ask("GET", "/health/ready") == 200
            except OSError:
                return False

        eventually(ready)

    def wait(self) -> int:
        """Exit status."""
        return self.popen.wait(30)

    def kill(self) -> None:
        """kill -9 what is left of it."""
        for pid in (self.worker, self.popen.pid):
            if pid is not None and self.popen.poll() is None:
                os.kill(pid, signal.SIGKILL)
        self.popen.wait()
