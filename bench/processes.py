"""Child processes of a measurement: started, stopped whatever happens, and what they cost."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
STOP_TIMEOUT_S = 5.0


class WorkerDied(Exception):
    """A worker ended while it was needed; its error is on standard error."""


class Workers:
    """Processes of one measurement. They end with the block, or with this process even when that is killed."""

    def __init__(self) -> None:
        self._running: list[SpawnProcess] = []

    def start(self, target: Callable[..., None], *arguments: Any) -> int:
        """Run ``target(*arguments)`` in a process of its own; returns its process id."""
        process = multiprocessing.get_context("spawn").Process(target=_run, args=(target, arguments), daemon=True)
        process.start()
        self._running.append(process)
        assert process.pid is not None
        return process.pid

    def check(self) -> None:
        """Raise WorkerDied if one has ended."""
        for process in self._running:
            if not process.is_alive():
                raise WorkerDied(f"{process.name}: {process.exitcode}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.join(STOP_TIMEOUT_S)
            if process.is_alive():
                process.kill()
                process.join()


def _run(target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    target(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def cpu_seconds_of_descendants() -> float:
    """User and system time, in seconds, of every living descendant of this process, servers included, and of itself."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = _stat(int(entry.name))
        except OSError:
            continue
        pid = int(entry.name)
        parents[pid] = int(fields[1])
        used[pid] = _seconds(fields)
    return sum(seconds for pid, seconds in used.items() if _descends(pid, parents))


def cpu_seconds_of(pids: Iterable[int]) -> float:
    """User and system time, in seconds, of these processes."""
    return sum(_seconds(_stat(pid)) for pid in pids)


def children_of(pid: int) -> list[int]:
    """Direct children of ``pid``."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on. Source: proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _seconds(fields: list[str]) -> float:
    # own time and that of children already waited for: PostgreSQL's backends come and go
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) * _TICK_S


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = parents.get(pid, 0)
    return False
