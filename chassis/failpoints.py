"""Named places where a test may kill this process: ``TONGBAN_FAILPOINT=relay.before_mark:3:kill`` dies the third time.

``TONGBAN_FAILPOINT=trace:/folder`` kills nothing and leaves a file there for each name that the process passes, a byte a pass.
Off unless the variable is set; production images never set it.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

NAMES = frozenset(
    {
        "transaction.begin",
        "transaction.after_domain_write",
        "transaction.after_outbox_insert",
        "transaction.after_commit",
        "relay.before_publish",
        "relay.before_confirm",
        "relay.before_mark",
        "consumer.before_transaction",
        "consumer.inside",
        "consumer.after_commit",
        "ledger.append",
        "ledger.sign",
        "job.after_claim",
        "job.after_fire",
        "bridge.before_publish",
        "bridge.before_ack",
    }
)


class _Armed:
    """One armed failpoint; passes are counted across threads."""

    def __init__(self, spec: str) -> None:
        name, nth, action = spec.split(":")
        if name not in NAMES or action != "kill":
            raise ValueError(f"TONGBAN_FAILPOINT: unknown failpoint or action in {spec!r}")
        self.name, self.left = name, int(nth)
        self.lock = threading.Lock()

    def passed(self, name: str) -> None:
        if name != self.name:
            return
        with self.lock:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class _Traced:
    """Writes down what is passed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def passed(self, name: str) -> None:
        with (self._folder / name).open("ab") as file:
            file.write(b".")


def _from_environment() -> _Armed | _Traced | None:
    spec = os.environ.get("TONGBAN_FAILPOINT", "")
    if not spec:
        return None
    return _Traced(Path(spec.removeprefix("trace:"))) if spec.startswith("trace:") else _Armed(spec)


_watcher = _from_environment()


def failpoint(name: str) -> None:
    """Die here if a test armed ``name``."""
    if _watcher is not None:
        _watcher.passed(name)
