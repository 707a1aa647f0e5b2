"""A bus under test with services around it, each with a database of its own, and a wait for what comes in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.bus import Bus, Delivery, Outgoing, Subscription, each
from chassis.db import Database, Tx
from chassis.embedded_bus import EmbeddedBus
from chassis.inbox import Inbox
from chassis.outbox import Relay
from chassis.rabbit_bus import RabbitBus
from contracts.case import CaseWithdrawn
from contracts.envelope import Event, encode, seal

WAIT_S = 30.0


def eventually(condition: Callable[[], Any]) -> Any:
    """The first true value of ``condition``; fails when there is none within WAIT_S."""
    deadline = time.monotonic() + WAIT_S
    while not (value := condition()):
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.01)
    return value


def make_database(name: str, url: str) -> Database:
    """A bound database with the mechanism's tables and ``effects``, which doubles would show in: it has no unique key."""
    database = Database(name)
    sa.Table(
        "effects", database.metadata, sa.Column("seq", sa.Integer, primary_key=True), sa.Column("case_no", sa.Text)
    )
    database.bind(url)
    database.metadata.create_all(database.engine)
    return database


def leave_effect(tx: Tx, database: Database, case_no: str) -> None:
    tx.execute(sa.insert(database.metadata.tables["effects"]).values(case_no=case_no))


def effects(database: Database) -> list[str]:
    """What has taken effect, sorted; a doubled effect is there twice."""
    table = database.metadata.tables["effects"]
    with database.read() as connection:
        return sorted(connection.execute(sa.select(table.c.case_no)).scalars())


def withdrawn(case_no: str) -> CaseWithdrawn:
    return CaseWithdrawn(case_no=case_no, reason="r")


def on_the_wire(event: Event, *, event_type: str | None = None) -> Outgoing:
    """``event`` as the relay hands it over, if need be under another type."""
    import msgspec

    from chassis import clock

    event_id = str(uuid_utils.uuid7())
    envelope = seal(event, event_id=event_id, source="workflow", time=clock.now())
    if event_type:
        envelope = msgspec.structs.replace(envelope, type=event_type)
    return Outgoing(event_id, envelope.type, encode(envelope))


class Consumer:
    """One subscribing service: database, inbox, and a handler that leaves an effect per event."""

    def __init__(
        self, name: str, folder: Path, act: Callable[[Tx, Any], None] | None = None, *, linger_s: float = 0.0
    ) -> None:
        self.database = make_database(name, f"sqlite:///{folder}/{name}.sqlite")
        self.batches: list[int] = []
        self._one = each(act or self.effect)
        subscription = Subscription(f"{name}.effects", {CaseWithdrawn: self._handle}, linger_s=linger_s)
        self.inbox = Inbox(self.database, subscription, retry_limit=3)

    def _handle(self, tx: Tx, deliveries: Sequence[Delivery]) -> None:
        self.batches.append(len(deliveries))
        self._one(tx, deliveries)

    def effect(self, tx: Tx, event: Any) -> None:
        leave_effect(tx, self.database, event.case_no)

    @property
    def effects(self) -> list[str]:
        return effects(self.database)

    def retries(self) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(sa.select(self.database.retries)).fetchall())


class Rig:
    """The producing service ``workflow`` with its relay, and consumers that join. ``vhost`` None: the embedded bus."""

    def __init__(self, folder: Path, vhost: Any = None) -> None:
        self.folder, self.vhost = folder, vhost
        self.database = make_database("workflow", f"sqlite:///{folder}/workflow.sqlite")
        self.bus: Bus = RabbitBus(vhost.url("workflow")) if vhost else EmbeddedBus()
        self.relay = Relay(self.database, self.bus)
        self._buses: list[Bus] = []

    @property
    def is_embedded(self) -> bool:
        return self.vhost is None

    def declare(self, consumer: Consumer) -> None:
        """The consumer's queue exists, nobody reads it yet."""
        if self.is_embedded:
            self.bus.attach(consumer.inbox)
        else:
            RabbitBus(self.vhost.url(consumer.database.name)).declare([consumer.inbox.subscription])

    def join(self, consumer: Consumer) -> Bus:
        """The consumer reads from now on; returns its bus."""
        if self.is_embedded:
            self.bus.attach(consumer.inbox)
            return self.bus
        bus = RabbitBus(self.vhost.url(consumer.database.name))
        bus.attach(consumer.inbox)
        bus.start()
        self._buses.append(bus)
        eventually(lambda: bus.trouble() is None)
        return bus

    def tell(self, *case_numbers: str) -> None:
        with self.database.transaction() as tx:
            for case_no in case_numbers:
                tx.tell(withdrawn(case_no))

    def put(self, message: Outgoing) -> None:
        """Put any bytes into the outbox."""
        from chassis import clock

        row = {"event_id": message.event_id, "type": message.type, "body": message.body, "created_at": clock.now()}
        with self.database.transaction() as tx:
            tx.execute(sa.insert(self.database.outbox).values(row))

    def unsent(self) -> list[str]:
        outbox = self.database.outbox
        with self.database.read() as connection:
            return list(connection.execute(sa.select(outbox.c.type).where(outbox.c.sent_at.is_(None))).scalars())

    def close(self) -> None:
        for bus in self._buses:
            bus.stop(10)
