"""W(4) through our own outbox, inbox and workflow code: a starter, the workflow worker, four department workers: processes all.

The item has four opinions in parallel and then a decision; a case is done when its decision task exists: the join
happened, once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from bench.figures import Round, spent
from bench.meter import Meter
from bench.processes import Workers
from bench.waiting import Waiting
from chassis import log
from chassis.bus import Delivery, Subscription
from chassis.db import Database, Tx
from chassis.inbox import Inbox
from chassis.migrate import upgrade
from chassis.outbox import Relay
from chassis.rabbit_bus import RabbitBus
from contracts.item import Item, LicenceTemplate, Limit, PlanStep
from contracts.task import OpinionGiven, TaskAssigned
from services.workflow.adapters.case_numbers import next_case_no
from services.workflow.adapters.items import keep_item
from services.workflow.domain.deadline import law_date
from services.workflow.models import cases, db, tasks
from services.workflow.service import SERVICE
from services.workflow.use_cases.submit_case import SubmitCase, submit_cases

DEPARTMENT = "reviewer"
STEPS = ("d1", "d2", "d3", "d4")
QUEUE = "bench.departments"
_OPINIONS = [s for s in SERVICE.subscriptions if s.name == "workflow.opinions"]
ITEM_CODE = "11990121000010524J4000105999000"


def item() -> Item:
    """Four departments at once, then a decision."""
    opinions = tuple(
        PlanStep(step=name, name=name, name_en=name, department=DEPARTMENT, kind="opinion", limit_working_days=3)
        for name in STEPS
    )
    decide = PlanStep(
        step="decide",
        name="决定",
        name_en="Decide",
        department="county",
        kind="decision",
        limit_working_days=3,
        after=STEPS,
    )
    return Item(
        item_code=ITEM_CODE,
        version=1,
        basic_code="000105999000",
        name="测量",
        name_en="Measurement",
        item_type="20",
        lead_department="county",
        statutory_limit=Limit(amount=20),
        committed_limit=Limit(amount=10),
        form_schema={"type": "object"},
        materials=(),
        plan=(*opinions, decide),
        result=LicenceTemplate(name="无", name_en="none", type_code="x", issuer_name="x", issuer_uscc="x"),
    )


def prepare(database: str, brokers: Mapping[str, str]) -> None:
    """Migrate, publish the item, make the queues."""
    db.bind(database)
    upgrade(db, SERVICE.migrations)
    RabbitBus(brokers["workflow"]).declare(_OPINIONS)
    RabbitBus(brokers["gateway"]).declare([Subscription(QUEUE, {TaskAssigned: lambda _tx, _deliveries: None})])
    with db.transaction() as tx:
        keep_item(tx, item(), date(2020, 1, 1))
        # for the measurement's own question, asked every few milliseconds
        tx.execute(sa.text("CREATE INDEX joined ON tasks (assigned_at) WHERE kind = 'decision'"))


def _run(database: Database, bus: RabbitBus, subscriptions: Sequence[Subscription]) -> None:
    relay = Relay(database, bus)
    database.after_commit = relay.loop.nudge
    for subscription in subscriptions:
        bus.attach(Inbox(database, subscription, retry_limit=10))
    bus.start()
    relay.loop.run()


def workflow_worker(database: str, broker: str) -> None:
    """The joining side: workflow's own subscription."""
    log.configure("bench-workflow", "WARNING")
    db.bind(database)
    _run(db, RabbitBus(broker), _OPINIONS)


def department(database: str, broker: str) -> None:
    """A department's worker with an outbox and an inbox of its own: records a review durably, answers."""
    log.configure("bench-department", "WARNING")
    own = Database(f"department/{DEPARTMENT}")
    reviews = sa.Table("reviews", own.metadata, sa.Column("task_id", sa.String(120), primary_key=True))
    own.bind(database)

    def review(tx: Tx, deliveries: Sequence[Delivery]) -> None:
        mine = [d for d in deliveries if d.event.department == DEPARTMENT]
        tx.insert_new(reviews, [{"task_id": d.event.task_id} for d in mine], [reviews.c.task_id])
        for delivery in mine:
            tx.tell(OpinionGiven(task_id=delivery.event.task_id, verdict="agree"), because=delivery.envelope)

    _run(own, RabbitBus(broker), [Subscription(QUEUE, {TaskAssigned: review})])


def prepare_department(database: str) -> None:
    """The department's own tables."""
    own = Database(f"department/{DEPARTMENT}")
    sa.Table("reviews", own.metadata, sa.Column("task_id", sa.String(120), primary_key=True))
    own.bind(database)
    own.metadata.create_all(own.engine)
    own.engine.dispose()


def start(workers: Workers, workflow: str, departments: str, brokers: Mapping[str, str]) -> dict[str, list[int]]:
    """The workflow worker and four department workers as processes; returns their ids by name."""
    joiner = workers.start(workflow_worker, workflow, brokers["workflow"])
    reviewers = [workers.start(department, departments, brokers["gateway"]) for _ in STEPS]
    return {"departments": reviewers, "joiner": [joiner]}


class Starter:
    """Submits cases as the web role does, with its own relay, so many in flight."""

    def __init__(self, broker: str) -> None:
        self._bus = RabbitBus(broker)
        self._relay = Relay(db, self._bus)

    def __enter__(self) -> Self:
        db.after_commit = self._relay.loop.nudge
        self._relay.loop.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._relay.loop.stop()
        self._relay.loop.join()
        db.engine.dispose()

    def measure(self, meter: Meter, cases_wanted: int, in_flight: int) -> Round:
        """Run so many cases with ``in_flight`` at a time, started in batches like the floor's."""
        since, waiting = datetime.now(UTC), Waiting(cases_wanted)
        cpu, wal, begun = meter.cpu(), meter.wal_bytes(), time.monotonic()
        while not waiting.over:
            room = waiting.room(in_flight)
            if room:
                _submit(room)
                waiting.started += room
            waiting.look(self._joined(since))
        seconds, cpu, wal = time.monotonic() - begun, spent(cpu, meter.cpu()), meter.wal_bytes() - wal
        return Round(cases_wanted, seconds, cpu, wal, _latencies(since))

    @staticmethod
    def _joined(since: datetime) -> int:
        joined = sa.select(sa.func.count()).where(tasks.c.kind == "decision", tasks.c.assigned_at >= since)
        with db.read() as connection:
            return int(connection.execute(joined).scalar_one())


def _submit(count: int) -> None:
    """Submit so many applications in one transaction, by the use case that a request runs with one."""
    command = SubmitCase(
        item_code=ITEM_CODE,
        item_version=None,
        applicant_id="p-1",
        submitted_by="p-1",
        channel="api",
        form={"note": "测量"},
        materials=(),
    )
    today = law_date(datetime.now(UTC))
    numbers = [next_case_no(ITEM_CODE, today) for _ in range(count)]
    with db.transaction() as tx:
        submit_cases(tx, dict.fromkeys(numbers, command))


def _latencies(since: datetime) -> list[float]:
    """Seconds from application to join, of the cases submitted since."""
    joined = sa.select(cases.c.submitted_at, tasks.c.assigned_at).join(tasks, tasks.c.case_no == cases.c.case_no)
    with db.read() as connection:
        rows = connection.execute(joined.where(tasks.c.kind == "decision", cases.c.submitted_at >= since)).fetchall()
    return [(row.assigned_at - row.submitted_at).total_seconds() for row in rows]
