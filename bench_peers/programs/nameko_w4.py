"""W(4) with nameko: four department services and a joining service, each its own process.

A handler's message is acknowledged when it returns, after its publish was confirmed; there is no outbox. Queues are
quorum queues: nameko's ``consume`` takes any kombu queue. One statement per message is one transaction.
"""

import sys

import eventlet

eventlet.monkey_patch()

import psycopg2  # noqa: E402
import psycopg2.extensions  # noqa: E402
from common import BROKER, DATABASE, DEPARTMENTS, NEW_CASE, RECORD_REVIEW, serve_starts  # noqa: E402
from eventlet.hubs import trampoline  # noqa: E402
from eventlet.queue import LifoQueue  # noqa: E402
from kombu import Exchange, Queue  # noqa: E402
from nameko.amqp.publish import Publisher as PlainPublisher  # noqa: E402
from nameko.extensions import DependencyProvider  # noqa: E402
from nameko.messaging import Publisher, consume  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402

MAX_WORKERS = 16
QUORUM = {"x-queue-type": "quorum"}
CASES = Exchange("cases", "fanout", durable=True)
ANSWERS = Exchange("answers", "direct", durable=True)
# One transaction in one round trip. The lock makes two last answers see each other.
JOIN = """
SELECT FROM cases WHERE id = %(id)s FOR NO KEY UPDATE;
INSERT INTO answers VALUES (%(id)s, %(department)s) ON CONFLICT DO NOTHING;
INSERT INTO decisions (id) SELECT id FROM answers WHERE id = %(id)s GROUP BY id HAVING count(*) = 4 ON CONFLICT DO NOTHING
"""


def _wait(connection):
    """psycopg2's documented hook for green threads."""
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        if state == psycopg2.extensions.POLL_READ:
            trampoline(connection.fileno(), read=True)
        else:
            trampoline(connection.fileno(), write=True)


def _connect():
    connection = psycopg2.connect(DATABASE)
    connection.autocommit = True
    return connection


class Database(DependencyProvider):
    """A connection per worker at most, kept open."""

    def setup(self):
        self._idle = LifoQueue()
        for _ in range(MAX_WORKERS):
            self._idle.put(_connect())

    def get_dependency(self, _worker_ctx):
        return self._execute

    def _execute(self, query, parameters):
        connection = self._idle.get()
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, parameters)
        finally:
            self._idle.put(connection)


def department(department_name):
    """A department's service."""

    class Department:
        name = department_name
        database = Database()
        answer = Publisher(exchange=ANSWERS)

        @consume(Queue(department_name, CASES, durable=True, queue_arguments=QUORUM))
        def review(self, case):
            self.database(RECORD_REVIEW, (case["id"], department_name))
            self.answer(case | {"department": department_name}, routing_key="answers")

    return Department


class Joiner:
    name = "joiner"
    database = Database()

    @consume(Queue("answers", ANSWERS, routing_key="answers", durable=True, queue_arguments=QUORUM))
    def join(self, answer):
        self.database(JOIN, answer)


def serve(service):
    psycopg2.extensions.set_wait_callback(_wait)
    runner = ServiceRunner(config={"AMQP_URI": BROKER, "max_workers": MAX_WORKERS})
    runner.add_service(service)
    runner.start()
    runner.wait()


def starter():
    publisher, connection = PlainPublisher(BROKER, exchange=CASES), psycopg2.connect(DATABASE)

    def start(ids):
        with connection.cursor() as cursor:
            cursor.executemany(NEW_CASE, [(case,) for case in ids])
        connection.commit()
        for case in ids:
            publisher.publish({"id": case})

    serve_starts(start)


if __name__ == "__main__":
    role = sys.argv[1]
    if role == "starter":
        starter()
    elif role == "joiner":
        serve(Joiner)
    elif role in DEPARTMENTS:
        serve(department(role))
