"""The whole platform in this process, on either bus: its relays and jobs are run by hand, so that nothing waits for a thread
that does not have to, and its clock is the test's.
"""

from __future__ import annotations

import itertools
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from werkzeug.test import Client, TestResponse

from chassis import clock, outbox
from chassis.bus import Bus, Subscription
from chassis.discovery import Local
from chassis.rabbit_bus import RabbitBus
from chassis.settings import load_settings
from demo.applications import paper
from demo.client import wait_for
from embedded.platform import SERVICES, Platform, wire_platform
from localservers.platform import DIRECTORY
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ
from services.identity.api.desk import DESK
from services.identity.domain.directory import Caller
from services.identity.models import accounts
from services.identity.models import db as identity_db
from services.workflow.domain.deadline import SHANGHAI, law_date
from tests.conftest import Vhost

BEGIN = date(2026, 1, 5)
"""A Monday. The clock of one platform only goes forward; the calendar of 2026 is published."""
PATIENCE_S = 30.0
CASE_ROWS = (
    "SELECT case_no, state, due_on, statutory_due_on, accept_by, correct_by, licence_no, delivered_at FROM cases",
    "SELECT task_id, state, due_on, department, assignee, signatures FROM tasks",
    *(f"SELECT * FROM {table}" for table in ("opinions", "decisions", "transitions", "case_materials")),
)
"""What a refusal leaves alone; that it was asked for may be told, which counts on in the case's order."""
JOBS = ("workflow.fire_deadlines", "catalog.calendar", "audit.judge_clocks", "audit.checkpoint")
_BY_NAME = {service.name: service for service in SERVICES}
_paper: Callable[[str], bytes] = cache(paper)


@dataclass
class Refused:
    """A problem as the API answered it."""

    status: int
    code: str
    facts: dict[str, Any]


class Town:
    """The platform and everybody who speaks to it. ``name`` is that of the bus."""

    def __init__(self, name: str, platform: Platform, clock_file: Path) -> None:
        self.name = name
        self._platform, self._clock_file = platform, clock_file
        self._client = Client(platform.app)
        self._keys = itertools.count(1)
        self._tokens: dict[Caller, str] = {}
        self._seen: dict[Any, dict[str, int]] = defaultdict(dict)
        self._jobs = {job.name: job.run for service in SERVICES for job in service.jobs}
        identity = platform.app._directory.find("identity")
        assert isinstance(identity, Local)
        self._issuer = identity.app.extensions["tongban"].parts[DESK].tokens
        self.set_clock(BEGIN)
        self.settle()
        with identity_db.read() as connection:
            self._accounts = {row.username: row for row in connection.execute(sa.select(accounts))}
        self.clerk = Caller(subject="publisher", name="发布人", kind="system_admin")
        self.supervisor = Caller(subject="watcher", name="监督员", kind="supervisor")

    # who

    def person(self, username: str = "school-agent", level: int = 5) -> Caller:
        """A demo account of a person."""
        row = self._accounts[username]
        return Caller(subject=row.account_id, name=row.name, kind="person", party=row.party_id, level=level)

    def with_token(self, who: Caller, token: str) -> Caller:
        """``who`` as this token names it."""
        named = replace(who, scope=token)
        self._tokens[named] = token
        return named

    @staticmethod
    def officer(department: str, name: str = "经办人") -> Caller:
        """An officer of the department; another name is another account."""
        return Caller(subject=f"{department}-{name}", name=name, kind="officer", department=department)

    @staticmethod
    def system(department: str) -> Caller:
        """The department's own system."""
        return Caller(subject=f"{department}-system", name=department, kind="department", department=department)

    # requests

    def ask(self, method: str, path: str, who: Caller | None, body: Any = None, **headers: str) -> TestResponse:
        """One request through the gateway."""
        if who is not None:
            if who not in self._tokens:
                self._tokens[who] = self._issuer.issue(who)["access_token"]
            headers["Authorization"] = f"Bearer {self._tokens[who]}"
        headers["Idempotency-Key"] = f"journey-{next(self._keys)}"
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self._client.open(path, method=method, headers=headers, **content)

    def told(self, method: str, path: str, who: Caller | None, body: Any = None, **headers: str) -> Any:
        """The answer; what it made happen has happened everywhere when this returns."""
        answer = self.ask(method, path, who, body, **headers)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:800]}"
        if method != "GET":
            self.settle()
        return answer.json

    def refused(self, method: str, path: str, who: Caller | None, body: Any = None) -> Refused:
        """The refusal. Nothing but what supervision hears is told, and no row of a case has changed."""
        before = self._case_rows()
        answer = self.ask(method, path, who, body)
        assert answer.status_code >= 400, f"{method} {path}: {answer.status_code} {answer.text[:800]}"
        assert self._case_rows() == before
        self.settle()
        said = dict(answer.json)
        return Refused(answer.status_code, said.pop("code"), said)

    def _case_rows(self) -> list[Any]:
        return [sorted(map(repr, self.read("workflow", query))) for query in CASE_ROWS]

    def publish(self, document: dict[str, Any]) -> str:
        """Publish the item; returns its code."""
        return str(self.told("POST", "/api/v1/items", self.clerk, document)["item_code"])

    def guide(self, item_code: str) -> Any:
        """The guide as anybody reads it."""
        return self.told("GET", f"/api/v1/items/{item_code}", None)

    def upload(self, item_code: str, code: str, who: Caller, *, text: str = "") -> str:
        """Hand a material to the store; returns its receipt. Another ``text`` is another file."""
        path = f"/api/v1/materials?item_code={item_code}&material_code={code}"
        stored = self.told("POST", path, who, _paper(text or code), **{"Content-Type": "application/pdf"})
        return str(stored["receipt"])

    # the clock

    @property
    def today(self) -> date:
        """The date in Asia/Shanghai."""
        return law_date(clock.now())

    def set_clock(self, day: date) -> None:
        """Ten in the morning of ``day``; never backwards."""
        target = datetime(day.year, day.month, day.day, 10, tzinfo=SHANGHAI)
        if target > clock.now() or not self._clock_file.exists():
            self._clock_file.write_text(str((target - datetime.now(SHANGHAI)).total_seconds()))
            clock.follow(self._clock_file)

    def go_to(self, day: date) -> None:
        """The clock jumps to ``day``, and the jobs that look at it run."""
        self.set_clock(day)
        self.run_jobs()

    def run_jobs(self) -> None:
        """What the clock makes happen now, told to everybody."""
        self.settle(record=True)  # supervision judges what it knows of
        for name in JOBS:
            self._jobs[name]()
        self.settle(record=True)

    def run_job(self, name: str) -> None:
        """One job that the clock does not turn by itself, and what it tells."""
        self._jobs[name]()
        self.settle()

    # events

    def settle(self, *, record: bool = False) -> None:
        """Return when everything told has left its outbox and was handled by everybody who does not gather batches of it;
        with ``record`` by supervision, figures and ledger too.
        """
        self._deliver(_at_once)
        if record and self.name == "servers":
            self._deliver(_of_record)
            self._deliver(_at_once)  # what supervision has told

    def _deliver(self, to: Callable[[Subscription], bool]) -> None:
        relays = [background.relay for background in self._platform.backgrounds]
        while True:
            waiting = [relay for relay in relays if outbox.waiting(relay._database)]
            for relay in waiting:
                relay.step()
            if self.name == "servers":  # the embedded bus publishes when everybody has committed
                wait_for("the subscribers", lambda: self._all_handled(to), timeout_s=PATIENCE_S, every_s=0.02)
                waiting = [relay for relay in relays if outbox.waiting(relay._database)]
            if not waiting:
                return

    def _all_handled(self, to: Callable[[Subscription], bool]) -> bool:
        """Whether each inbox holds all that was sent since the last time and that its subscription wants."""
        told: list[tuple[str, str]] = []
        upto: dict[str, int] = {}
        seen = self._seen[to]
        for service in SERVICES:
            after = seen.get(service.name, 0)
            rows = self.read(
                service.name, f"SELECT position, event_id, type, sent_at FROM outbox WHERE position > {after}"
            )
            told += [(str(row[1]), row[2]) for row in rows]
            if any(row[3] is None for row in rows):
                return True  # it leaves at the relays' next turn
            upto[service.name] = max((row[0] for row in rows), default=after)
        if not told:
            return True
        for service in SERVICES:
            wanted = {s.name: {e for e, kind in told if s.wants(kind)} for s in service.subscriptions if to(s)}
            if any(wanted.values()) and not self._handled(service.name, wanted):
                return False
        self._seen[to] = upto
        return True

    def _handled(self, service: str, wanted: dict[str, set[str]]) -> bool:
        ids = "', '".join(set().union(*wanted.values()))
        rows = self.read(service, f"SELECT subscription, event_id FROM inbox WHERE event_id IN ('{ids}')")
        there = {(row[0], str(row[1])) for row in rows}
        return all((name, event) in there for name, events in wanted.items() for event in events)

    @staticmethod
    def read(service: str, query: str) -> list[Any]:
        """Rows of the service's database."""
        with _BY_NAME[service].database.read() as connection:
            cursor = connection.connection.cursor()
            cursor.execute(query)
            return list(cursor.fetchall())


def _at_once(subscription: Subscription) -> bool:
    return subscription.linger_s == 0


def _of_record(subscription: Subscription) -> bool:
    return subscription.name.startswith("audit.")


@contextmanager
def embedded_town(folder: Path) -> Iterator[Town]:
    """On the embedded bus and SQLite."""
    with _town("embedded", folder, None, None) as town:
        yield town


@contextmanager
def town_on_servers(folder: Path, broker: RabbitMQ, postgresql: PostgreSQL) -> Iterator[Town]:
    """On RabbitMQ, each service with its own user and connections, and PostgreSQL, each with its own database."""
    room = Vhost(broker, f"t-{secrets.token_hex(6)}")
    broker.management.create_vhost(room.name)
    mark = secrets.token_hex(4)
    urls = {service.name: postgresql.url(f"{service.name}_{mark}") for service in SERVICES}
    buses: dict[str, RabbitBus] = {}
    for service in SERVICES:
        postgresql.create_database(f"{service.name}_{mark}")
        buses[service.name] = RabbitBus(room.url(service.name))
        buses[service.name].declare(service.subscriptions)
    try:
        with _town("servers", folder, buses.__getitem__, urls) as town:
            yield town
    finally:
        for service in SERVICES:
            service.database.engine.dispose()
            postgresql.drop_database(f"{service.name}_{mark}")
        broker.management.delete_vhost(room.name)


@contextmanager
def _town(
    name: str,
    folder: Path,
    bus_of: Callable[[str], Bus] | None,
    urls: dict[str, str] | None,
) -> Iterator[Town]:
    settings = replace(
        load_settings("embedded"),
        data_dir=folder,
        directory_file=DIRECTORY,
        log_level="ERROR",
        staff_second_factor="offered",
        clock_file=folder / "clock",
    )
    platform = wire_platform(settings, bus_of=bus_of, database_url_of=None if urls is None else urls.__getitem__)
    buses = [] if bus_of is None else [bus_of(service.name) for service in SERVICES]
    for bus in buses:
        bus.start()
    try:
        yield Town(name, platform, folder / "clock")
    finally:
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            list(pool.map(lambda bus: bus.stop(10), buses))
        platform.stop(10)
        platform.app.close()
        clock.follow(None)
