"""Named places where a test may kill this process: ``TONGBAN_FAILPOINT=relay.before_mark:3:kill`` dies the third time.

Off unless the variable is set; production images never set it.
"""

from __future__ import annotations

import os
import signal
import threading

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

    def passed(self) -> None:
        with self.lock:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


_armed = _Armed(os.environ["TONGBAN_FAILPOINT"]) if os.environ.get("TONGBAN_FAILPOINT") else None


def failpoint(name: str) -> None:
    """Die here if a test armed ``name``."""
    if _armed is not None and _armed.name == name:
        _armed.passed()
