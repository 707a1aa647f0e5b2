"""The platform's side while departments attack: a broker with their doors, a bridge, workflow at work, and the looks at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pika
import sqlalchemy as sa
from pika.adapters.blocking_connection import BlockingChannel
from prometheus_client import REGISTRY

from chassis.background import Background
from chassis.rabbit_bus import RabbitBus
from contracts.envelope import Envelope, Event, decode_envelope, encode
from contracts.task import OpinionGiven
from department_sdk.answers import event_id
from gateway.bridge import FAMILIES
from gateway.broker_plan import CORE_VHOST, DEPARTMENT_QUEUES, door_vhost
from localservers.rabbitmq import RabbitMQ
from services.workflow.models import db, opinions, tasks
from services.workflow.service import SERVICE
from tests.department_sdk.broker_door import (
    PATIENCE_S,
    Door,
    broker_of,
    envelope_of,
    running_bridge,
    wait_until,
)
from tests.factories.items import make_item
from tests.services.workflow.conftest import Desk, make_desk
from tests.support import Tokens, make_runtime

DEPARTMENTS = ("police", "transport", "housing")
LEAD = "education"
"""Answers over HTTPS."""
UNATTENDED = "archives"
"""A department whose door no bridge serves."""
CORE_QUEUES = ("gateway.bridge", "workflow.opinions", "workflow.items", "workflow.licences", "tongban.unreadable")


class Siege:
    """``record`` of the core is a queue with every event that it has heard. ``sent`` counts what went through ``out``."""

    def __init__(self, broker: RabbitMQ, door: Door, desk: Desk) -> None:
        self.broker, self.door, self.desk = broker, door, desk
        self.sent = 0
        self._told = 0
        self._before = _moved()
        self._looks = {vhost: door.admin(vhost) for vhost in (CORE_VHOST, *map(door_vhost, door.departments))}
        self._looks[CORE_VHOST].queue_declare("record", durable=True, arguments={"x-queue-type": "quorum"})
        self._looks[CORE_VHOST].queue_bind("record", "tongban.events", "#")

    def tell(self, *events: Event) -> None:
        """As workflow."""
        self.door.tell(*events)
        self._told += len(events)

    def at_rest(self) -> None:
        """Return when everything that was sent or told is where it goes, and nothing is on its way."""
        wait_until(self._rests, "everything has arrived")

    def _rests(self) -> bool:
        moved = {name: value - self._before[name] for name, value in _moved().items()}
        answered = moved["out"] + moved["rejected"] == self.sent
        handled = moved["handled"] == moved["out"]
        return answered and handled and moved["in"] == self._told + _told_by_workflow()

    def clear(self) -> None:
        """Nothing is left of what came before."""
        self.at_rest()
        for code in self.door.departments:
            for queue in ("tasks", "rejected"):
                self.drain(door_vhost(code), queue)
        self.heard()

    def new_case(self) -> str:
        """A case that waits for the opinions of all DEPARTMENTS."""
        case_no = self.desk.new_case()
        self.desk.agree(case_no, ("education", "accept"))
        return case_no

    def take_task(self, department: str, task_id: str) -> Envelope:
        """As the department's system does; other tasks are acknowledged on the way."""
        channel = self.door.connect(department, door_vhost(department))
        try:
            for method, _properties, body in channel.consume("tasks", inactivity_timeout=PATIENCE_S):
                assert method is not None, f"{department}: {task_id} never came"
                assert body is not None
                channel.basic_ack(method.delivery_tag)
                envelope = decode_envelope(body)
                if task_id.encode() in body:
                    return envelope
            raise AssertionError("unreachable")
        finally:
            channel.connection.close()

    def send(self, department: str, body: bytes, **properties: Any) -> None:
        """Through ``out``, confirmed."""
        channel = self.door.connect(department, door_vhost(department))
        self.publish(channel, "", body, pika.BasicProperties(**{"user_id": department} | properties))
        channel.connection.close()

    def publish(self, channel: BlockingChannel, key: str, body: bytes, properties: pika.BasicProperties) -> None:
        """Through ``out`` on an open channel."""
        channel.basic_publish("out", key, body, properties, mandatory=True)
        self.sent += 1

    def work_goes_on(self, department: str) -> str:
        """A case comes in, its task reaches the department, the answer counts. Returns the case number."""
        case_no = self.new_case()
        task_id = task_of(case_no, department)
        self.take_task(department, task_id)
        self.send(department, answer_to(task_id, department))
        wait_until(lambda: self.opinion(task_id) == "agree", f"{task_id} counts")
        return case_no

    def opinion(self, task_id: str) -> str | None:
        """The verdict that workflow has recorded."""
        with db.read() as connection:
            found: str | None = connection.execute(
                sa.select(opinions.c.verdict).where(opinions.c.task_id == task_id)
            ).scalar_one_or_none()
        return found

    def task(self, task_id: str) -> Any:
        """The task's row in workflow."""
        with db.read() as connection:
            return connection.execute(sa.select(tasks).where(tasks.c.task_id == task_id)).one()

    def depth(self, vhost: str, queue: str) -> int:
        """Messages that wait, asked of the queue itself."""
        found: int = self._looks[vhost].queue_declare(queue, passive=True).method.message_count
        return found

    def depths(self) -> dict[tuple[str, str], int]:
        """Of every queue of the departments and the core."""
        doors = [(door_vhost(code), queue) for code in self.door.departments for queue in DEPARTMENT_QUEUES]
        return {place: self.depth(*place) for place in [*doors, *((CORE_VHOST, queue) for queue in CORE_QUEUES)]}

    def drain(self, vhost: str, queue: str) -> list[bytes]:
        """Everything in a queue, taken out."""
        taken: list[bytes] = []
        while (found := self._looks[vhost].basic_get(queue, auto_ack=True))[0] is not None:
            taken.append(found[2] or b"")
        return taken

    def heard(self) -> list[Envelope]:
        """What the core has heard since the last look."""
        return [decode_envelope(body) for body in self.drain(CORE_VHOST, "record")]

    def logged_refusals(self, user: str) -> int:
        """Operations of ``user`` that the broker has refused, by its log."""
        return self.broker.log.read_text(errors="replace").count(f"refused for user '{user}'")


def _moved() -> dict[str, float]:
    """What the bridge has moved each way, and workflow handled, since the process began."""
    counted: dict[str, float] = dict.fromkeys(("in", "out", "rejected", "handled"), 0.0)
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name == "tongban_bridge_messages_total" and sample.labels["outcome"] == "moved":
                if sample.labels["direction"] in counted:
                    counted[sample.labels["direction"]] += sample.value
            elif sample.name == "tongban_consumed_total" and sample.labels["subscription"] == "workflow.opinions":
                counted["handled"] += sample.value
    return counted


def _told_by_workflow() -> int:
    """Events in its outbox that are for departments."""
    o = db.outbox.c
    count = sa.select(sa.func.count()).where(sa.or_(*(o.type.startswith(f"{family}.") for family in FAMILIES)))
    with db.read() as connection:
        return int(connection.execute(count).scalar_one())


@contextmanager
def siege(broker: RabbitMQ, folder: Path) -> Iterator[Siege]:
    """Everything running."""
    with ExitStack() as cleanup:
        door = Door(broker_of(broker), (*DEPARTMENTS, LEAD, UNATTENDED))
        cleanup.callback(door.close)
        desk = cleanup.enter_context(contextmanager(make_desk)(folder, None))
        desk.publish(make_item(version=2, opinions=DEPARTMENTS))
        made = Siege(broker, door, desk)
        cleanup.enter_context(_workflow(door, folder))
        cleanup.enter_context(running_bridge(door, (*DEPARTMENTS, LEAD)))
        yield made


@contextmanager
def _workflow(door: Door, folder: Path) -> Iterator[None]:
    bus = RabbitBus(door.url("workflow", CORE_VHOST))
    bus.declare(SERVICE.subscriptions)
    runtime = replace(make_runtime(SERVICE, folder, Tokens()), bus=bus)
    background = Background(SERVICE, runtime, frozenset({"worker"}))
    background.start()
    bus.start()
    try:
        yield
    finally:
        bus.stop(10)
        background.stop(10)


def task_of(case_no: str, department: str) -> str:
    return f"{case_no}-{department}_opinion-1"


def answer_to(task_id: str, department: str, verdict: Any = "agree", *, reason: str = "同意") -> bytes:
    """The bytes that a department's system sends."""
    given = OpinionGiven(task_id=task_id, verdict=verdict, reason=reason)
    return encode(envelope_of(given, source=f"department/{department}", event_id=event_id(given)))


def wire(event: Event, source: str) -> bytes:
    return encode(envelope_of(event, source=source))


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Every one against every other."""
    return [(a, b) for a in names for b in names if a != b]


def fresh(channel: BlockingChannel) -> BlockingChannel:
    """The channel, or another one on its connection when the broker has closed it."""
    if channel.is_open:
        return channel
    again = channel.connection.channel()
    again.confirm_delivery()
    return again
