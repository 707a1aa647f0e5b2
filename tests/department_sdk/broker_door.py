"""A broker with departments provisioned on it, as tests see it: the core's side, the departments' side, the bridge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pika
import urllib3
import uuid_utils
from pika.adapters.blocking_connection import BlockingChannel

from contracts.case import CaseMaterial
from contracts.envelope import Envelope, Event, decode_envelope, encode, seal
from contracts.task import TaskAssigned
from gateway.bridge import Bridge, declare_queue
from gateway.provision import CORE_VHOST, SERVICES, provision

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Broker:
    """Where a broker is and who its administrator is."""

    host: str
    port: int
    management_url: str
    user: str
    password: str


def broker_of(rabbitmq: Any) -> Broker:
    """The session's broker in the words of these tests."""
    user, password = rabbitmq.admin
    return Broker("127.0.0.1", rabbitmq.port, rabbitmq.management_url, user, password)


def task(
    number: int | str = 1, department: str = "police", *, step: str = "police_opinion", round_: int = 1
) -> TaskAssigned:
    """A task of a case of its own."""
    case_no = f"11370800MB2855918430001170020012026112{number}"
    return TaskAssigned(
        task_id=f"{case_no}-{step}-{round_}",
        case_no=case_no,
        step=step,
        step_name="公安机关意见",
        kind="opinion",
        round=round_,
        department=department,
        item_code="11370800MB285591843000117002001",
        item_name="校车使用许可",
        due_on=date(2026, 12, 1),
        form={"school": "第一小学"},
        materials=(
            CaseMaterial(
                material_id="m-1", code="route", name="线路", media_type="text/plain", size_bytes=5,
                sha256="2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            ),
        ),
    )  # fmt: skip


def envelope_of(event: Event, *, source: str = "workflow", event_id: str | None = None) -> Envelope:
    return seal(event, event_id=event_id or str(uuid_utils.uuid7()), source=source, time=datetime.now(UTC))


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


class Door:
    """Provisioned departments. The core's queue ``workflow.answers`` stands for workflow's subscription."""

    def __init__(self, broker: Broker, departments: Sequence[str]) -> None:
        self.broker, self.departments = broker, tuple(departments)
        self._connections: list[pika.BlockingConnection] = []
        self._api = urllib3.PoolManager(
            headers=urllib3.make_headers(basic_auth=f"{broker.user}:{broker.password}"), timeout=10
        )
        provision(
            broker.management_url,
            (broker.user, broker.password),
            {name: f"{name}-pw" for name in SERVICES},
            {code: f"{code}-pw" for code in departments},
        )
        core = self.connect("gateway", CORE_VHOST)
        declare_queue(core)  # type: ignore[arg-type]
        core.connection.close()
        self.core = self.connect("workflow", CORE_VHOST)
        self.core.queue_declare("workflow.answers", durable=True, arguments={"x-queue-type": "quorum"})
        for family in ("task.received", "task.opinion_given"):
            self.core.queue_bind("workflow.answers", "tongban.events", f"{family}.*")

    def url(self, user: str, vhost: str | None = None) -> str:
        path = "" if vhost is None else "/" + quote(vhost, safe="")
        return f"amqp://{user}:{user}-pw@{self.broker.host}:{self.broker.port}{path}"

    def connect(self, user: str, vhost: str) -> BlockingChannel:
        """A confirming channel of ``user``."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url(user, vhost)))
        self._connections.append(connection)
        channel = connection.channel()
        channel.confirm_delivery()
        return channel

    def admin(self, vhost: str) -> BlockingChannel:
        """A channel of the administrator, who may look everywhere."""
        credentials = pika.PlainCredentials(self.broker.user, self.broker.password)
        parameters = pika.ConnectionParameters(self.broker.host, self.broker.port, vhost, credentials)
        self._connections.append(pika.BlockingConnection(parameters))
        return self._connections[-1].channel()

    def tell(self, *events: Event, traceparent: str | None = None) -> list[str]:
        """Publish as workflow does; returns the event ids."""
        ids = []
        for event in events:
            envelope = msgspec.structs.replace(envelope_of(event), traceparent=traceparent)
            properties = pika.BasicProperties(user_id="workflow", delivery_mode=2)
            self.core.basic_publish("tongban.events", event.TYPE, encode(envelope), properties, mandatory=True)
            ids.append(envelope.id)
        return ids

    def take(self, queue: str, count: int, *, vhost: str = CORE_VHOST, unique: bool = False) -> list[Envelope]:
        """Wait for ``count`` CloudEvents in a queue (counted by id if ``unique``); fails when they do not come."""
        taken: dict[str, Envelope] = {}
        for number, body in enumerate(self.bodies(queue, vhost=vhost)):
            envelope = decode_envelope(body)
            taken[envelope.id if unique else str(number)] = envelope
            if len(taken) == count:
                break
        assert len(taken) == count, f"{queue}: {len(taken)} of {count} came"
        return list(taken.values())

    def bodies(self, queue: str, *, vhost: str = CORE_VHOST) -> Iterator[bytes]:
        """Messages as they come, acknowledged; ends when none comes for a long time."""
        channel = self.admin(vhost)
        try:
            for method, _properties, body in channel.consume(queue, inactivity_timeout=PATIENCE_S):
                if method is None:
                    return
                assert body is not None
                channel.basic_ack(method.delivery_tag)
                yield body
        finally:
            channel.connection.close()

    def rejections(self, department: str, count: int) -> list[dict[str, Any]]:
        stream = self.bodies("rejected", vhost=f"d.{department}")
        return [json.loads(next(stream)) for _ in range(count)]

    def waiting(self, queue: str, *, vhost: str = CORE_VHOST) -> int:
        """Ready messages, asked of the queue itself."""
        return int(self._look(queue, vhost).message_count)

    def consumers(self, queue: str, *, vhost: str = CORE_VHOST) -> int:
        """How many take from a queue."""
        return int(self._look(queue, vhost).consumer_count)

    def _look(self, queue: str, vhost: str) -> Any:
        channel = self.admin(vhost)
        found = channel.queue_declare(queue, passive=True).method
        channel.connection.close()
        return found

    def api(self, method: str, path: str) -> Any:
        response = self._api.request(method, f"{self.broker.management_url}/api/{path}")
        return json.loads(response.data) if response.data else None

    def cut_connections(self, user: str) -> int:
        """The broker closes every connection of ``user`` that it knows of."""
        mine = [c["name"] for c in self.api("GET", "connections") if c.get("user") == user]
        for name in mine:
            self.api("DELETE", f"connections/{quote(name, safe='')}")
        return len(mine)

    def close(self) -> None:
        for connection in self._connections:
            if connection.is_closed:
                continue
            with suppress(pika.exceptions.AMQPError):
                connection.close()
        for vhost in (CORE_VHOST, *(f"d.{code}" for code in self.departments)):
            self.api("DELETE", f"vhosts/{vhost}")


@contextmanager
def running_bridge(door: Door, departments: Sequence[str] | None = None) -> Iterator[Bridge]:
    """A bridge in this process."""
    bridge = Bridge(door.url("gateway", CORE_VHOST), departments or door.departments)
    bridge.start()
    try:
        wait_until(lambda: bridge.health.report()[0], "bridge ready")
        yield bridge
    finally:
        bridge.stop(10)


@contextmanager
def bridge_process(door: Door, folder: Path, failpoint: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A bridge in a process of its own."""
    environment = os.environ | {
        "TONGBAN_BUS_URL": door.url("gateway", CORE_VHOST),
        "TONGBAN_DEPARTMENTS": ",".join(door.departments),
        "TONGBAN_OPS_ADDRESS": "127.0.0.1:0",
        "TONGBAN_FAILPOINT": failpoint,
    }
    with (folder / "bridge.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "gateway.bridge"], env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def serving(department: Any, handler: Any, **callbacks: Any) -> Iterator[threading.Thread]:
    """``department.serve`` on a thread."""
    thread = threading.Thread(target=department.serve, args=(handler,), kwargs=callbacks)
    thread.start()
    try:
        yield thread
    finally:
        department.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
