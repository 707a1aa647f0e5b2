"""What a department has already done, on its own disk: a task that comes again is answered as before, not decided again."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from contracts.task import OpinionGiven
from department_sdk.answers import Task

State = Literal["open", "deferred", "answered", "refused", "cancelled"]
KEEP_DAYS = 400

_TABLE = """
CREATE TABLE IF NOT EXISTS tasks (
  task_id TEXT PRIMARY KEY, state TEXT NOT NULL, kept_at TEXT NOT NULL, task BLOB, opinion BLOB, answered_at TEXT,
  traceparent TEXT
) WITHOUT ROWID"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one task. ``kept_at`` and ``answered_at`` are aware UTC. ``traceparent``: the trace that it came in."""

    state: State
    kept_at: datetime
    opinion: OpinionGiven | None = None
    answered_at: datetime | None = None
    traceparent: str | None = None


class Journal:
    """A SQLite file, synced at each step. Readable by its owner only: open tasks hold personal data until answered.

    Serve from one process per file.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(_TABLE)
        if not any(column[1] == "traceparent" for column in self._connection.execute("PRAGMA table_info(tasks)")):
            self._connection.execute("ALTER TABLE tasks ADD COLUMN traceparent TEXT")  # a file of an older version
        self._connection.execute("DELETE FROM tasks WHERE answered_at < datetime('now', ?)", (f"-{KEEP_DAYS} days",))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def keep(self, task: Task, traceparent: str | None = None) -> Entry:
        """Keep a task that is new; what is known of it in any case."""
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO tasks (task_id, state, kept_at, task, traceparent) VALUES (?, 'open', ?, ?, ?)",
                (task.task_id, _now(), msgspec.json.encode(task), traceparent),
            )
        entry = self.find(task.task_id)
        assert entry is not None
        return entry

    def find(self, task_id: str) -> Entry | None:
        """What is known of a task."""
        query = "SELECT state, kept_at, opinion, answered_at, traceparent FROM tasks WHERE task_id = ?"
        with self._lock:
            row = self._connection.execute(query, (task_id,)).fetchone()
        if row is None:
            return None
        state, kept_at, opinion, answered_at, traceparent = row
        return Entry(
            state=state,
            kept_at=datetime.fromisoformat(kept_at),
            opinion=msgspec.json.decode(opinion, type=OpinionGiven) if opinion else None,
            answered_at=datetime.fromisoformat(answered_at) if answered_at else None,
            traceparent=traceparent,
        )

    def answer(self, opinion: OpinionGiven) -> Entry:
        """Write an answer down before it leaves. The same answer again keeps its time. The task itself is forgotten."""
        body, now = msgspec.json.encode(opinion), _now()
        with self._lock:
            self._connection.execute(
                "INSERT INTO tasks (task_id, state, kept_at, opinion, answered_at) VALUES (?, 'answered', ?, ?, ?)"
                " ON CONFLICT (task_id) DO UPDATE SET state = 'answered', task = NULL, opinion = excluded.opinion,"
                " answered_at = CASE WHEN opinion = excluded.opinion THEN answered_at ELSE excluded.answered_at END",
                (opinion.task_id, now, body, now),
            )
        entry = self.find(opinion.task_id)
        assert entry is not None
        return entry

    def mark(self, task_id: str, state: Literal["deferred", "refused", "cancelled"]) -> None:
        """Note that a task was taken over for later, that its answer was refused, or that it was cancelled."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO tasks (task_id, state, kept_at) VALUES (?, ?, ?)"
                " ON CONFLICT (task_id) DO UPDATE SET state = excluded.state, task = NULL",
                (task_id, state, _now()),
            )

    def open_tasks(self) -> list[Task]:
        """Tasks that a handler has not finished with, oldest first."""
        query = "SELECT task FROM tasks WHERE state = 'open' AND task IS NOT NULL ORDER BY kept_at"
        with self._lock:
            rows = self._connection.execute(query).fetchall()
        return [msgspec.json.decode(body, type=Task) for (body,) in rows]


def default_path(name: str) -> Path:
    """Where the journal of ``name`` lies unless told otherwise: the user's data folder."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    return base / "tongban-department" / f"{name}.sqlite"


def _now() -> str:
    return datetime.now(UTC).isoformat()
