"""Department systems as separate processes: the SDK's example, told how long to take."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Part:
    """One task as its department's own process saw it; times are epoch seconds."""

    department: str
    step: str
    opinion: bool = False
    received_at: float | None = None
    answered_at: float | None = None

    @property
    def took_s(self) -> float:
        """Seconds from receipt to answer."""
        assert self.received_at is not None
        assert self.answered_at is not None
        return self.answered_at - self.received_at


@dataclass(frozen=True)
class Delays:
    """How long a department takes, in seconds."""

    usual_s: float
    by_step: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Departments:
    """The running processes and what they reported, by task id."""

    parts: dict[str, Part] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    started: set[str] = field(default_factory=set)
    _processes: list[subprocess.Popen[str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, department: str, *, delays: Delays, door: Sequence[str], journal: Path) -> None:
        """Start one. ``door`` says how it reaches the platform: ``--https … `` or ``--amqp …``."""
        command = [
            sys.executable, "-m", "department_sdk.cli", "simulate", "--department", department, "--delay", str(delays.usual_s),
            "--journal", str(journal), *door,
        ]  # fmt: skip
        for step, seconds in delays.by_step.items():
            command += ["--delay-step", f"{step}={seconds}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._processes.append(process)
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            if said["event"] == "started":
                self.started.add(said["department"])
            elif said["task_id"]:
                self._note(said)

    def _note(self, said: dict[str, object]) -> None:
        with self._lock:
            part = self.parts.setdefault(str(said["task_id"]), Part(str(said["department"]), str(said["step"])))
            if said["event"] == "received":
                part.received_at = part.received_at or float(str(said["at"]))
            elif said["event"] == "answered":
                part.answered_at = float(str(said["at"]))
            elif said["event"] == "refused":
                self.refused.append(str(said))

    @property
    def count(self) -> int:
        """How many were started."""
        return len(self._processes)

    def pids(self) -> list[int]:
        """Process ids of those that were started."""
        return [process.pid for process in self._processes]

    def of_case(self, tasks: Sequence[dict[str, Any]]) -> list[Part]:
        """Parts for a case's tasks, by time of receipt; a part without an answer counts as not seen."""
        with self._lock:
            mine = [(task, self.parts[task["task_id"]]) for task in tasks if task["task_id"] in self.parts]
        for task, part in mine:
            part.opinion = task["kind"] == "opinion"
        seen = [part for _, part in mine if part.received_at and part.answered_at]
        return sorted(seen, key=lambda part: part.received_at or 0.0)

    def stop(self) -> None:
        """End the processes that were started here."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=20)
