"""W(4) with DBOS: one workflow per case enqueues a workflow for each department, waits for the four, decides.

PostgreSQL only: a process listens to its own queue, and DBOS stores every start, step and result. A case row and the start
of its workflow are one transaction. Waiting for results cost less CPU here than ``send`` and ``recv``, and polling more
often than this cost more.
"""

import sys
import threading

import sqlalchemy as sa
from common import DATABASE, DECIDE, DEPARTMENTS, RECORD_REVIEW, serve_starts
from dbos import DBOS, DBOSClient

QUEUE_POLL_S = 0.5
VERSION = "w4"
engine = sa.create_engine(DATABASE.replace("postgresql://", "postgresql+psycopg://"), max_overflow=0, pool_size=8)
one_by_one = engine.execution_options(isolation_level="AUTOCOMMIT")


def _execute(query, parameters):
    with one_by_one.connect() as connection:
        connection.exec_driver_sql(query, parameters)


@DBOS.step()
def record_review(case, department):
    _execute(RECORD_REVIEW, (case, department))


@DBOS.step()
def decide(case):
    _execute(DECIDE, (case,))


@DBOS.workflow()
def review(case, department):
    record_review(case, department)


@DBOS.workflow()
def handle_case(case):
    handles = [DBOS.enqueue_workflow(d, review, case, d) for d in DEPARTMENTS]
    for handle in handles:
        handle.get_result()
    decide(case)


def launch(role):
    DBOS(
        config={
            "name": "w4-bench",
            "system_database_url": DATABASE,
            "application_version": VERSION,
            "executor_id": role,
            "log_level": "WARNING",
        }
    )
    if role != "prepare":
        DBOS.listen_queues(["cases" if role == "joiner" else role])
    DBOS.launch()


def prepare():
    launch("prepare")
    for queue in ("cases", *DEPARTMENTS):
        DBOS.register_queue(queue, polling_interval_sec=QUEUE_POLL_S)
    DBOS.destroy()


def starter():
    client = DBOSClient(system_database_url=DATABASE)
    options = {"queue_name": "cases", "workflow_name": "handle_case", "app_version": VERSION}

    def start(ids):
        with engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO cases (id) VALUES (:id)"), [{"id": case} for case in ids])
            for case in ids:
                client.enqueue_in_transaction(connection, options | {"workflow_id": case}, case)

    serve_starts(start)


if __name__ == "__main__":
    role = sys.argv[1]
    if role == "prepare":
        prepare()
    elif role == "starter":
        starter()
    else:
        launch(role)
        threading.Event().wait()
