"""W(4) with Celery: a chord of four reviews, results in PostgreSQL, the decision as its body.

Late acknowledgement, confirmed publishes, durable queues: with quorum queues a delay, and so the polling task that joins a
chord, is whole seconds. One worker process per department and one for the join, each with one child (prefork), which keeps
its connections open; threads would open one for every result.
"""

import sys

import psycopg
from celery import Celery, chord
from common import BROKER, DATABASE, DECIDE, DEPARTMENTS, NEW_CASE, RECORD_REVIEW, serve_starts
from kombu import Exchange, Queue

TASKS = Exchange("tasks", "direct")
UNLOCK_S = 0.5

app = Celery("w4", broker=BROKER, backend=DATABASE.replace("postgresql://", "db+postgresql+psycopg://"))
app.conf.update(
    broker_transport_options={"confirm_publish": True},
    task_acks_late=True,
    task_queues=[Queue(name, TASKS, routing_key=name) for name in (*DEPARTMENTS, "joiner")],
    task_default_queue="joiner",
    worker_prefetch_multiplier=16,
    worker_send_task_events=False,
    result_chord_retry_interval=UNLOCK_S,
    database_engine_options={"pool_pre_ping": False},
)
_open = []


def _execute(query, parameters):
    if not _open:
        _open.append(psycopg.connect(DATABASE, autocommit=True))
    _open[0].execute(query, parameters)


@app.task(name="review")
def review(case, department):
    _execute(RECORD_REVIEW, (case, department))
    return department


@app.task(name="decide", ignore_result=True)
def decide(_reviews, case):
    _execute(DECIDE, (case,))


def starter():
    connection = psycopg.connect(DATABASE)

    def start(ids):
        with connection.cursor() as cursor:
            cursor.executemany(NEW_CASE, [(case,) for case in ids])
        connection.commit()
        for case in ids:
            reviews = [review.s(case, department).set(queue=department) for department in DEPARTMENTS]
            chord(reviews)(decide.s(case), countdown=UNLOCK_S)

    serve_starts(start)


def work(queue):
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
    app.worker_main(
        ["worker", "--pool=prefork", "--concurrency=1", f"--queues={queue}", f"--hostname={queue}@w4", *quiet]
    )


if __name__ == "__main__":
    role = sys.argv[1]
    if role == "starter":
        starter()
    elif role != "prepare":
        work(role)
