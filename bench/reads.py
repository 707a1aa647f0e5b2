"""The reads of citizens, officers, supervisors and strangers through the gateway: what each costs and how long it takes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from bench.citizen import Citizen
from bench.clones import OWNED, Clones
from bench.figures import quantile, spent
from bench.stage import Running
from demo.applications import SCHOOL_BUS

PAGE = 50
# Everything else answers reads or stands behind what does.
_UNCONCERNED = ("rabbitmq", "departments")


@dataclass(frozen=True)
class ReadBlock:
    """Some repetitions of one read, one after the other."""

    latencies_s: list[float]
    cpu_ms: float

    def latency_ms(self, q: float) -> float:
        """A quantile, in milliseconds."""
        return 1000 * quantile(self.latencies_s, q)


class Reads:
    """Signed-in callers and what each of them reads, a different one of the stored cases each time."""

    def __init__(self, running: Running, clones: Clones) -> None:
        self._running, self._clones = running, clones
        self._random = random.Random(1)
        passwords, url = running.story.passwords, running.story.base_url
        agent, officer, supervisor = (
            Citizen(url, name, passwords[name]) for name in (SCHOOL_BUS.username, "officer-police", "supervisor")
        )
        pdf = agent.get_bytes(f"/api/v1/licences/{self._real_licence()}/pdf")
        self.all: dict[str, Callable[[], object]] = {
            "own_case": lambda: agent.get(f"/api/v1/cases/{self._own()}"),
            "own_cases": lambda: agent.get("/api/v1/cases"),
            "own_licences": lambda: agent.get("/api/v1/licences"),
            "department_tasks": lambda: officer.get("/api/v1/tasks"),
            "supervised_case": lambda: supervisor.get(f"/api/v1/cases/{self._any()}"),
            "trail": lambda: supervisor.get(f"/api/v1/trails/{self._any()}"),
            "cards": lambda: supervisor.get("/api/v1/cards"),
            "cards_of_department": lambda: supervisor.get("/api/v1/cards?department=police&level=red"),
            "cards_of_case": lambda: supervisor.get(f"/api/v1/cards?case_no={self._any()}"),
            "licence": lambda: agent.get(f"/api/v1/licences/{self._clones[self._closed()].licence_no}"),
            "licence_file": lambda: agent.verify(pdf),
            "item": lambda: agent.get(f"/api/v1/items/{clones.item_code}"),
        }

        # Full pages at every size: otherwise the larger one would cost more for showing more.
        assert len(officer.get("/api/v1/tasks")["tasks"]) == PAGE
        assert len(agent.get("/api/v1/cases")["cases"]) == PAGE
        assert len(supervisor.get("/api/v1/cards?department=police&level=red")["cards"]) == PAGE

    def block(self, name: str, count: int) -> ReadBlock:
        """Read ``count`` times. The CPU is that of every process that has a part in it, in milliseconds a read."""
        read, latencies = self.all[name], []
        before = self._running.cpu()
        for _ in range(count):
            begun = time.perf_counter()
            read()
            latencies.append(time.perf_counter() - begun)
        cpu = spent(before, self._running.cpu())
        return ReadBlock(latencies, 1000 * sum(s for n, s in cpu.items() if n not in _UNCONCERNED) / count)

    def _own(self) -> str:
        return self._clones[self._random.randrange(OWNED)].case_no

    def _any(self) -> str:
        return self._clones[self._random.randrange(self._clones.total)].case_no

    def _closed(self) -> int:
        n = self._random.randrange(self._clones.total)
        return n + 1 if self._clones[n].open else n

    def _real_licence(self) -> str:
        """One that was printed: clones have no file."""
        with psycopg.connect(self._running.database("documents")) as connection:
            row = connection.execute("SELECT licence_no FROM licences ORDER BY issued_at DESC LIMIT 1").fetchone()
        assert row is not None
        return str(row[0])
