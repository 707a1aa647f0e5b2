"""The one clock of the domain. A file may move it forward, for demonstrations and tests of long waits.

Security (token life) and retries do not use it: they follow the machine's clock.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

_file: Path | None = None
_cached: tuple[float, timedelta] = (-1.0, timedelta())


def follow(file: Path | None) -> None:
    """Read the offset, in seconds, from ``file`` from now on (None: the machine's clock)."""
    global _file, _cached
    _file, _cached = file, (-1.0, timedelta())


def now() -> datetime:
    """Aware UTC time of the domain."""
    return datetime.now(UTC) + _offset()


def _offset() -> timedelta:
    global _cached
    if _file is None:
        return timedelta()
    try:
        changed = os.stat(_file).st_mtime_ns
    except FileNotFoundError:
        return timedelta()
    if changed != _cached[0]:
        _cached = (changed, timedelta(seconds=float(_file.read_text() or 0)))
    return _cached[1]


def advance(file: Path, by: timedelta) -> None:
    """Move every process that follows ``file`` forward. Atomic: a reader sees the old or the new offset."""
    before = float(file.read_text()) if file.exists() else 0.0
    draft = file.with_suffix(".next")
    draft.write_text(str(before + by.total_seconds()))
    os.replace(draft, file)
