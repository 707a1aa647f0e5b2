"""The floor of W(4): pika and psycopg by hand, nothing else. No outbox, no idempotency, no rules.

With ``batch=1`` every message has a transaction of its own and every publish waits for its confirm. With ``safe`` it keeps
what no promise can do without: the key of each message handled, and each message to send, committed with the effect.

One starter, four departments and one joiner, each a process; quorum queues, confirms, default durability.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pika
import psycopg

from bench.figures import Round, spent
from bench.meter import Meter
from bench.processes import Workers
from bench.waiting import Waiting
from chassis.engines import PLANNING

DEPARTMENTS = ("d1", "d2", "d3", "d4")
PREFETCH = 128
ARGUMENTS = {"x-queue-type": "quorum"}
SCHEMA = """
CREATE TABLE cases (id text PRIMARY KEY, started timestamptz DEFAULT clock_timestamp());
CREATE TABLE reviews (id text, department text, PRIMARY KEY (id, department));
CREATE TABLE answers (id text, department text, PRIMARY KEY (id, department));
CREATE TABLE decisions (id text PRIMARY KEY, decided timestamptz DEFAULT clock_timestamp());
CREATE INDEX ON decisions (decided);
CREATE TABLE inbox (id text PRIMARY KEY);
CREATE TABLE outbox (id text PRIMARY KEY, queue text NOT NULL, body bytea NOT NULL);
"""
Message = tuple[str, bytes]


@dataclass(frozen=True)
class Floor:
    """One floor with a database and queues ``floor.<name>.…`` of its own. ``batch``: messages per transaction, at most."""

    name: str
    database: str
    broker: str
    batch: int
    safe: bool = False

    @property
    def at_once(self) -> int:
        """Messages published before their confirms are waited for: those of a batch of cases, or one."""
        return self.batch * len(DEPARTMENTS) if self.batch > 1 else 1

    def queue(self, end: str) -> str:
        """Name of a queue."""
        return f"floor.{self.name}.{end}"

    def prepare(self) -> None:
        """Tables and queues."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(SCHEMA)
        with _connect(self.broker) as connection:
            channel = connection.channel()
            for name in (*DEPARTMENTS, "answers"):
                channel.queue_declare(self.queue(name), durable=True, arguments=ARGUMENTS)

    def start(self, workers: Workers) -> dict[str, list[int]]:
        """The departments and the joiner as processes; returns their ids by name."""
        departments = [workers.start(department, self, name) for name in DEPARTMENTS]
        return {"departments": departments, "joiner": [workers.start(joiner, self)]}

    def measure(self, meter: Meter, cases: int, in_flight: int) -> Round:
        """Run ``cases`` cases with ``in_flight`` at a time."""
        publisher = _Publisher(self.broker, self.at_once)
        cpu, wal, begun = meter.cpu(), meter.wal_bytes(), time.monotonic()
        with _session(self.database) as connection:
            since = connection.execute("SELECT clock_timestamp()").fetchone()
            assert since is not None
            waiting = Waiting(cases)
            while not waiting.over:
                while room := min(waiting.room(in_flight), self.batch):
                    self._start_cases(connection, publisher, room)
                    waiting.started += room
                row = connection.execute("SELECT count(*) FROM decisions WHERE decided >= %s", [since[0]]).fetchone()
                connection.commit()
                assert row is not None
                waiting.look(row[0])
            seconds, cpu, wal = time.monotonic() - begun, spent(cpu, meter.cpu()), meter.wal_bytes() - wal
            latencies = connection.execute(
                "SELECT extract(epoch FROM d.decided - c.started)::float FROM cases c JOIN decisions d USING (id)"
                " WHERE c.started >= %s",
                [since[0]],
            ).fetchall()
        publisher.close()
        return Round(cases, seconds, cpu, wal, [row[0] for row in latencies])

    def _start_cases(self, connection: Any, publisher: _Publisher, count: int) -> None:
        ids = [str(uuid.uuid4()) for _ in range(count)]
        tasks = [
            (self.queue(d), json.dumps({"id": i, "message": str(uuid.uuid4())}).encode())
            for i in ids
            for d in DEPARTMENTS
        ]
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO cases (id) VALUES (%s)", [(i,) for i in ids])
            self.send(cursor, publisher, tasks)

    def fresh(self, cursor: Any, messages: list[dict[str, str]]) -> list[dict[str, str]]:
        """Those that were not handled before, if that is kept."""
        if not self.safe:
            return messages
        keys = [message["message"] for message in messages]
        cursor.execute("INSERT INTO inbox SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING RETURNING id", [keys])
        new = {row[0] for row in cursor.fetchall()}
        return [message for message in messages if message["message"] in new]

    def send(self, cursor: Any, publisher: _Publisher, messages: list[Message]) -> None:
        """Commit, and publish; when safe, the messages are committed too and deleted once they are confirmed."""
        ids = [str(uuid.uuid4()) for _ in messages] if self.safe else []
        if ids:
            queues, bodies = [list(column) for column in zip(*messages, strict=True)]
            rows = "INSERT INTO outbox SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[])"
            cursor.execute(rows, [ids, queues, bodies])
        cursor.connection.commit()
        publisher.publish(messages)
        if ids:
            cursor.execute("DELETE FROM outbox WHERE id = ANY(%s)", [ids])
            cursor.connection.commit()


def _session(database: str) -> psycopg.Connection[Any]:
    """Planned for as the services' own sessions are, or a young database would slow the floor down."""
    return psycopg.connect(database, options=PLANNING)


def _connect(broker: str) -> Any:
    return pika.BlockingConnection(pika.URLParameters(broker))


class _Publisher:
    """A plain channel in confirm mode; up to ``at_once`` messages are on the way unconfirmed."""

    def __init__(self, broker: str, at_once: int) -> None:
        self._at_once = at_once
        self._pending: set[int] = set()
        self._sent = 0
        self._ready = threading.Event()
        self._done = threading.Condition()
        self._connection = pika.SelectConnection(pika.URLParameters(broker), on_open_callback=self._opened)
        threading.Thread(target=self._connection.ioloop.start, daemon=True).start()
        self._ready.wait(10)

    def _opened(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        self._channel = channel
        channel.confirm_delivery(self._confirmed, callback=lambda _frame: self._ready.set())

    def _confirmed(self, frame: Any) -> None:
        with self._done:
            tag = frame.method.delivery_tag
            self._pending -= {t for t in self._pending if t <= tag} if frame.method.multiple else {tag}
            self._done.notify_all()

    def publish(self, messages: list[Message]) -> None:
        """Send ``(queue, body)`` and return when all are confirmed."""
        for start in range(0, len(messages), self._at_once):
            part = messages[start : start + self._at_once]
            with self._done:
                self._pending |= set(range(self._sent + 1, self._sent + 1 + len(part)))
                self._sent += len(part)
            self._connection.ioloop.add_callback_threadsafe(partial(self._send, part))
            with self._done:
                assert self._done.wait_for(lambda: not self._pending, 30), "not confirmed"

    def close(self) -> None:
        """Disconnect."""
        self._connection.ioloop.add_callback_threadsafe(self._connection.close)

    def _send(self, messages: list[Message]) -> None:
        properties = pika.BasicProperties(delivery_mode=2)
        for queue, body in messages:
            self._channel.basic_publish("", queue, body, properties)


def _consume(floor: Floor, end: str, handle: Callable[[list[dict[str, str]]], None]) -> None:
    """Take what waits, up to a batch, handle it as one, then acknowledge all."""
    channel = _connect(floor.broker).channel()
    channel.basic_qos(prefetch_count=PREFETCH)
    waiting: list[tuple[int, bytes]] = []
    channel.basic_consume(floor.queue(end), lambda _c, method, _p, body: waiting.append((method.delivery_tag, body)))
    while True:
        channel.connection.process_data_events(time_limit=0.5 if not waiting else 0)
        if waiting:
            batch, waiting[:] = waiting[: floor.batch], waiting[floor.batch :]
            handle([json.loads(body) for _, body in batch])
            channel.basic_ack(batch[-1][0], multiple=True)


def department(floor: Floor, name: str) -> None:
    """Record a review durably, answer."""
    publisher, connection = _Publisher(floor.broker, floor.at_once), _session(floor.database)

    def handle(tasks: list[dict[str, str]]) -> None:
        with connection.cursor() as cursor:
            ids = [task["id"] for task in floor.fresh(cursor, tasks)]
            rows = [(i, name) for i in ids]
            cursor.executemany("INSERT INTO reviews VALUES (%s, %s) ON CONFLICT DO NOTHING", rows)
            answers = [{"id": i, "department": name, "message": str(uuid.uuid4())} for i in ids]
            floor.send(cursor, publisher, [(floor.queue("answers"), json.dumps(answer).encode()) for answer in answers])

    _consume(floor, name, handle)


def joiner(floor: Floor) -> None:
    """Record answers; the fourth makes the decision."""
    connection = _session(floor.database)

    def handle(answers: list[dict[str, str]]) -> None:
        with connection.cursor() as cursor:
            answers = floor.fresh(cursor, answers)
            ids = sorted({answer["id"] for answer in answers})
            rows = [(answer["id"], answer["department"]) for answer in answers]
            cursor.executemany("INSERT INTO answers VALUES (%s, %s) ON CONFLICT DO NOTHING", rows)
            cursor.execute(
                "INSERT INTO decisions (id) SELECT id FROM answers WHERE id = ANY(%s) GROUP BY id HAVING count(*) = 4"
                " ON CONFLICT DO NOTHING",
                [ids],
            )
        connection.commit()

    _consume(floor, "answers", handle)
