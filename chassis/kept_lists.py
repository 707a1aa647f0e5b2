"""Where services were when the registry last said so, in a file: a restart while the registry is away finds them again.

It is a hint that is better than nothing, and is written whole or not at all.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import structlog

from chassis.metrics import REGISTRY_AGE_SECONDS

log = structlog.get_logger()

KEPT_FILE = "registry.json"
REWRITTEN_S = 60.0  # an unchanged list is written again when what is in the file is older
Address = tuple[str, int]


class _Kept(msgspec.Struct):
    addresses: list[Address]
    at: float


class KeptLists:
    """Safe for threads; of several processes with one file the last one to write wins. ``path`` None: nothing is kept.
    ``now``: wall-clock time.
    """

    def __init__(self, path: Path | None, now: Callable[[], float] = time.time) -> None:
        self._path, self._now = path, now
        self._lock = threading.Lock()
        self._lists = _read(path)
        self._written: Mapping[str, float] = {name: one.at for name, one in self._lists.items()}

    def of(self, service: str) -> Sequence[Address]:
        """What was kept; empty when there is nothing."""
        known = self._lists.get(service)
        if known is None:
            return ()
        self._show_age(service)
        return known.addresses

    def age_s(self, service: str) -> float | None:
        """Seconds since the registry last said where the service is; None when it never did."""
        known = self._lists.get(service)
        return None if known is None else max(0.0, self._now() - known.at)

    def keep(self, service: str, addresses: list[Address]) -> None:
        """The registry says so now. Trouble with the file is logged: requests go on without it."""
        with self._lock:
            before, now = self._lists.get(service), self._now()
            self._lists = {**self._lists, service: _Kept(addresses, now)}
            self._show_age(service)
            changed = before is None or before.addresses != addresses
            if self._path and (changed or now - self._written.get(service, 0.0) >= REWRITTEN_S):
                self._written = {**self._written, service: now}
                _write(self._path, self._lists)

    def _show_age(self, service: str) -> None:
        REGISTRY_AGE_SECONDS.labels(service).set_function(lambda: self.age_s(service) or 0.0)


def _read(path: Path | None) -> dict[str, _Kept]:
    if path is None or not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, _Kept])
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("registry_file_unreadable", path=str(path), error=str(error))
        return {}


def _write(path: Path, lists: Mapping[str, _Kept]) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(msgspec.json.encode(lists))
        part.replace(path)
    except OSError as error:
        log.warning("registry_file_not_written", path=str(path), error=str(error))
