"""What processes cost, from /proc. Source: proc(5)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def tree(root: int) -> set[int]:
    """Process ids of ``root`` and of every living descendant."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = set(), [root]
    while left:
        found.add(pid := left.pop())
        left += children.get(pid, [])
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes and of the children they have waited for, in seconds."""
    return sum(int(fields[i]) for pid in pids if (fields := _stat(pid)) for i in (11, 12, 13, 14)) * _TICK_S


def memory_bytes(pids: Iterable[int]) -> int:
    """Proportional set size, in bytes: pages that processes share are counted once among them."""
    return sum(_pss_kib(pid) for pid in pids) * 1024


def age_seconds(pid: int) -> float:
    """Seconds since the process was started. Raises ProcessLookupError when it has gone."""
    if not (fields := _stat(pid)):
        raise ProcessLookupError(pid)
    return float(Path("/proc/uptime").read_text().split()[0]) - int(fields[19]) * _TICK_S


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on; empty when the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
