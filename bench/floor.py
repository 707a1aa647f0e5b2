"""The floor of W(4): pika and psycopg by hand, batching, nothing else. No outbox, no idempotency, no rules.

One starter, four departments and one joiner, each a process; quorum queues, confirms, default durability.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pika
import psycopg

from bench.figures import Round
from bench.processes import Workers, cpu_seconds_of_descendants
from bench.waiting import Waiting

DEPARTMENTS = ("d1", "d2", "d3", "d4")
BATCH = 64
ARGUMENTS = {"x-queue-type": "quorum"}
SCHEMA = """
CREATE TABLE cases (id text PRIMARY KEY, started timestamptz DEFAULT clock_timestamp());
CREATE TABLE reviews (id text, department text, PRIMARY KEY (id, department));
CREATE TABLE answers (id text, department text, PRIMARY KEY (id, department));
CREATE TABLE decisions (id text PRIMARY KEY, decided timestamptz DEFAULT clock_timestamp());
CREATE INDEX ON decisions (decided);
"""


def prepare(database: str, broker: str) -> None:
    """Tables and queues."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
    with _connect(broker) as connection:
        channel = connection.channel()
        for name in (*DEPARTMENTS, "answers"):
            channel.queue_declare(f"floor.{name}", durable=True, arguments=ARGUMENTS)


def _connect(broker: str) -> Any:
    return pika.BlockingConnection(pika.URLParameters(broker))


class _Publisher:
    """Confirms a batch at once: pipelined by a plain channel in confirm mode."""

    def __init__(self, broker: str) -> None:
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

    def publish(self, messages: list[tuple[str, bytes]]) -> None:
        """Send ``(queue, body)`` and return when all are confirmed."""
        with self._done:
            for _ in messages:
                self._sent += 1
                self._pending.add(self._sent)
        self._connection.ioloop.add_callback_threadsafe(lambda: self._send(messages))
        with self._done:
            self._done.wait_for(lambda: not self._pending, 30)

    def _send(self, messages: list[tuple[str, bytes]]) -> None:
        properties = pika.BasicProperties(delivery_mode=2)
        for queue, body in messages:
            self._channel.basic_publish("", queue, body, properties)


def _consume(broker: str, queue: str, handle: Callable[[list[dict[str, str]]], None]) -> None:
    """Take what waits, up to BATCH, handle it as one, then acknowledge all."""
    channel = _connect(broker).channel()
    channel.basic_qos(prefetch_count=BATCH * 2)
    waiting: list[tuple[int, bytes]] = []
    channel.basic_consume(queue, lambda _c, method, _p, body: waiting.append((method.delivery_tag, body)))
    while True:
        channel.connection.process_data_events(time_limit=0.5 if not waiting else 0)
        if waiting:
            batch, waiting[:] = waiting[:BATCH], waiting[BATCH:]
            handle([json.loads(body) for _, body in batch])
            channel.basic_ack(batch[-1][0], multiple=True)


def department(database: str, broker: str, name: str) -> None:
    """Record a review durably, answer."""
    publisher, connection = _Publisher(broker), psycopg.connect(database)

    def handle(tasks: list[dict[str, str]]) -> None:
        with connection.cursor() as cursor:
            rows = [(task["id"], name) for task in tasks]
            cursor.executemany("INSERT INTO reviews VALUES (%s, %s) ON CONFLICT DO NOTHING", rows)
        connection.commit()
        publisher.publish([("floor.answers", json.dumps(task | {"department": name}).encode()) for task in tasks])

    _consume(broker, f"floor.{name}", handle)


def joiner(database: str, broker: str) -> None:
    """Record answers; the fourth makes the decision."""
    connection = psycopg.connect(database)

    def handle(answers: list[dict[str, str]]) -> None:
        ids = sorted({answer["id"] for answer in answers})
        with connection.cursor() as cursor:
            rows = [(answer["id"], answer["department"]) for answer in answers]
            cursor.executemany("INSERT INTO answers VALUES (%s, %s) ON CONFLICT DO NOTHING", rows)
            cursor.execute(
                "INSERT INTO decisions (id) SELECT id FROM answers WHERE id = ANY(%s) GROUP BY id HAVING count(*) = 4"
                " ON CONFLICT DO NOTHING",
                [ids],
            )
        connection.commit()

    _consume(broker, "floor.answers", handle)


def start(workers: Workers, database: str, broker: str) -> None:
    """The departments and the joiner as processes."""
    for name in DEPARTMENTS:
        workers.start(department, database, broker, name)
    workers.start(joiner, database, broker)


def measure(database: str, broker: str, cases: int, in_flight: int) -> Round:
    """Run ``cases`` cases with ``in_flight`` at a time, started in batches."""
    publisher = _Publisher(broker)
    begun_cpu, begun = cpu_seconds_of_descendants(), time.monotonic()
    with psycopg.connect(database) as connection:
        since = connection.execute("SELECT clock_timestamp()").fetchone()
        assert since is not None
        waiting = Waiting(cases)
        while not waiting.over:
            room = waiting.room(in_flight)
            if room:
                _start(connection, publisher, room)
                waiting.started += room
            row = connection.execute("SELECT count(*) FROM decisions WHERE decided >= %s", [since[0]]).fetchone()
            connection.commit()
            assert row is not None
            waiting.look(row[0])
        seconds, cpu = time.monotonic() - begun, cpu_seconds_of_descendants() - begun_cpu
        latencies = connection.execute(
            "SELECT extract(epoch FROM d.decided - c.started)::float FROM cases c JOIN decisions d USING (id)"
            " WHERE c.started >= %s",
            [since[0]],
        ).fetchall()
    return Round(cases, seconds, cpu, [row[0] for row in latencies])


def _start(connection: Any, publisher: _Publisher, count: int) -> None:
    ids = [str(uuid.uuid4()) for _ in range(count)]
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO cases (id) VALUES (%s)", [(i,) for i in ids])
    connection.commit()
    publisher.publish([(f"floor.{d}", json.dumps({"id": i}).encode()) for i in ids for d in DEPARTMENTS])
