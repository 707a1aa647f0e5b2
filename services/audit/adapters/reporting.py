"""The connectors of this process, and when each has its turn."""

from __future__ import annotations

import time
from pathlib import Path

from services.audit.adapters.connectors import Connector, read_connectors


class Reporting:
    """Filled at set-up."""

    def __init__(self) -> None:
        self.connectors: tuple[Connector, ...] = ()
        self._next: dict[tuple[str, str], float] = {}

    def load(self, path: Path | None) -> None:
        """Read the connectors file, if there is one. Raises ConnectorsInvalid."""
        self.connectors = read_connectors(path) if path is not None else ()
        self._next.clear()

    def turn(self, what: str, connector: Connector, every_s: float) -> bool:
        """Whether ``what`` is due for the connector; if so, the next time is in ``every_s``."""
        now = time.monotonic()
        if now < self._next.get((what, connector.name), 0.0):
            return False
        self._next[what, connector.name] = now + every_s
        return True


REPORTING = Reporting()
