"""One peer's programs: made ready once, started for a round, fed, watched through its decision table, stopped.

A peer is ``bench_peers/programs/<program>_w4.py``, run by the peer's own Python with a role as its argument: ``prepare``
(once, may do nothing), the workers' roles, and ``starter``, which reads how many cases to start, one number per line,
and answers each line when they are stored and told. A peer's database has the floor's tables ``cases``, ``reviews`` and
``decisions``; what else it needs it makes itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg

from bench.figures import Round, spent
from bench.floor import DEPARTMENTS, SCHEMA
from bench.meter import Meter
from bench.waiting import Waiting
from bench_peers.environments import python_of
from evidence.usage import tree
from localservers.child import Child
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

PREPARE_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
SETTLE_S = 1.5  # the management API's counters lag by a second: a consumer of the round before may still be shown
DECIDED = "SELECT count(*) FROM decisions WHERE decided >= %s"
LATENCIES = (
    "SELECT extract(epoch FROM d.decided - c.started)::float FROM cases c JOIN decisions d USING (id)"
    " WHERE c.started >= %s"
)
WHOLE = (
    "SELECT (SELECT count(*) FROM reviews) = 4 * (SELECT count(*) FROM cases)"
    " AND (SELECT count(*) FROM decisions) = (SELECT count(*) FROM cases)"
)


class PeerFailed(Exception):
    """A program of a peer ended, or was not ready in time."""


@dataclass(frozen=True)
class Peer:
    """What there is to know of a peer. ``goal``: how many times its rate ours must be. ``queues`` have a consumer when it is
    ready. ``batch``: messages per transaction where that is the program's own choice and not the framework's.
    """

    name: str
    label: str
    program: str
    goal: float | None
    queues: Sequence[str] = ()
    batch: int = 1


WORKERS = (*DEPARTMENTS, "joiner")
ANSWERED = (*DEPARTMENTS, "answers")
# SpiffWorkflow leaves messages and storage to its user. Its documentation's application loads, runs and saves one workflow
# at a time, and that is the peer; what it would do with our batches is shown beside it, without a goal.
PEERS = (
    Peer("nameko", "nameko", "nameko", 2.5, ANSWERED),
    Peer("spiff", "SpiffWorkflow", "spiff", 6.0, ANSWERED),
    Peer("spiff_batched", "SpiffWorkflow, batching", "spiff", None, ANSWERED, batch=64),
    Peer("celery", "Celery chord, PostgreSQL", "celery", 6.0, WORKERS),
    Peer("dbos", "DBOS", "dbos", 6.0),
)


class Contender:
    """A peer on running servers."""

    def __init__(self, peer: Peer, folder: Path, postgresql: PostgreSQL, rabbitmq: RabbitMQ) -> None:
        """Install, make database and virtual host, run ``prepare``. Raises PeerFailed."""
        self.peer = peer
        self._python = python_of(peer.program)
        self._folder, self._postgresql, self._rabbitmq = folder, postgresql, rabbitmq
        folder.mkdir()
        postgresql.create_database(peer.name)
        rabbitmq.management.create_vhost(peer.name)
        self._database = postgresql.url(peer.name).replace("+psycopg", "")
        with psycopg.connect(self._database, autocommit=True) as connection:
            connection.execute(SCHEMA)
        with (folder / "prepare.log").open("ab") as log:
            done = subprocess.run(
                self._command("prepare"), env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                timeout=PREPARE_TIMEOUT_S, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            raise PeerFailed(self._last_words("prepare"))

    def run(self, cases: int, in_flight: int) -> Round:
        """Start, warm up with two loads in flight, measure, stop. Only the measured cases are timed."""
        with ExitStack() as cleanup:
            workers = [self._start(role) for role in WORKERS]
            for worker in workers:
                cleanup.callback(worker.stop, signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)
            for worker in workers:  # all are asked to end before any is waited for
                cleanup.callback(_ask_to_end, worker)
            self._wait_ready(workers)
            starter = cleanup.enter_context(
                Starter(self._command("starter"), self._environment(), self._folder / "starter.log")
            )
            self._measure(starter, in_flight * 2, in_flight)
            by_role = {role: tree(worker.pid) for role, worker in zip(WORKERS, workers, strict=True)}
            departments = [pid for name in DEPARTMENTS for pid in by_role[name]]
            pids = {
                "starter": [os.getpid(), starter.pid],
                "departments": departments,
                "joiner": list(by_role["joiner"]),
            }
            meter = Meter(pids, self._postgresql, self._rabbitmq)
            cleanup.callback(meter.close)
            cpu, wal = meter.cpu(), meter.wal_bytes()
            seconds, latencies = self._measure(starter, cases, in_flight)
            spent_cpu, written = spent(cpu, meter.cpu()), meter.wal_bytes() - wal
            if not all(worker.alive for worker in workers):
                raise PeerFailed(f"{self.peer.name}: {self._folder}")
        return Round(cases, seconds, spent_cpu, written, latencies)

    def _measure(self, starter: Starter, cases: int, in_flight: int) -> tuple[float, list[float]]:
        """Seconds for all, and each case's."""
        with psycopg.connect(self._database, autocommit=True) as connection:
            since = connection.execute("SELECT clock_timestamp()").fetchall()[0][0]
            begun, waiting = time.monotonic(), Waiting(cases)
            while not waiting.over:
                if room := waiting.room(in_flight):
                    starter.start(room)
                    waiting.started += room
                waiting.look(connection.execute(DECIDED, [since]).fetchall()[0][0])
            seconds = time.monotonic() - begun
            if not connection.execute(WHOLE).fetchall()[0][0]:
                raise PeerFailed(f"{self.peer.name}: a review or a decision is missing")
            return seconds, [row[0] for row in connection.execute(LATENCIES, [since])]

    def _start(self, role: str) -> Child:
        log = (self._folder / f"{role}.log").resolve()
        return Child(self._command(role), log, environment=self._environment(), folder=Path.cwd())

    def _wait_ready(self, workers: Sequence[Child]) -> None:
        """Every queue has a consumer. A peer without queues has none to wait for: its warm-up waits."""
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < SETTLE_S or not all(map(self._consumed, self.peer.queues)):
            if waited > READY_TIMEOUT_S or not all(worker.alive for worker in workers):
                raise PeerFailed("\n".join(self._last_words(role) for role in WORKERS))
            time.sleep(0.1)

    def _consumed(self, queue: str) -> bool:
        found = self._rabbitmq.management.queue(self.peer.name, queue)
        return bool(found and found.get("consumers"))

    def _command(self, role: str) -> list[str]:
        return [str(self._python), f"bench_peers/programs/{self.peer.program}_w4.py", role]

    def _environment(self) -> Mapping[str, str]:
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(Path.cwd()),
            "PYTHONWARNINGS": "ignore",
            "W4_BATCH": str(self.peer.batch),
            "W4_DATABASE": self._database,
            "W4_BROKER": self._rabbitmq.url(self.peer.name, *self._rabbitmq.admin),
        }

    def _last_words(self, program: str) -> str:
        log = self._folder / f"{program}.log"
        return f"{log}:\n{log.read_text(errors='replace')[-1500:] if log.exists() else ''}"


class Starter:
    """A running ``starter``; it ends when its input does, so also with this process."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def start(self, count: int) -> None:
        """Start so many cases; returns when they are stored and told."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise PeerFailed(f"{self._log}:\n{self._log.read_text(errors='replace')[-1500:]}")


def _ask_to_end(worker: Child) -> None:
    if worker.alive:
        os.kill(worker.pid, signal.SIGTERM)
