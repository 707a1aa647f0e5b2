"""Child processes of a measurement: started, stopped whatever happens, and what they cost."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

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
