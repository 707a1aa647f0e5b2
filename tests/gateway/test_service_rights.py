"""Services on the broker: each tells its own events and reads its own queues, whatever its credentials are used for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker, UnroutableError

from chassis.bus import Subscription, each
from chassis.inbox import Inbox
from chassis.rabbit_bus import RabbitBus
from chassis.senders import may_tell
from contracts.case import CaseWithdrawn
from contracts.envelope import encode
from contracts.registry import EVENTS
from gateway.broker_plan import CORE_VHOST, EVENTS_EXCHANGE, SERVICES, UNREADABLE
from tests.chassis.rig import effects, leave_effect, make_database, withdrawn
from tests.department_sdk.broker_door import Door, broker_of, envelope_of, wait_until
from tests.gateway.besieged import fresh, pairs

pytestmark = pytest.mark.servers

REFUSED = 403
OWNED = {name: "gateway" if spec.owner == "department" else spec.owner for name, spec in EVENTS.items()}


@pytest.fixture(scope="module")
def door(rabbitmq: Any) -> Iterator[Door]:
    opened = Door(broker_of(rabbitmq), ())
    for name in SERVICES:
        channel = opened.connect(name, CORE_VHOST)
        channel.queue_declare(f"{name}.own", durable=True, arguments={"x-queue-type": "quorum"})
        channel.connection.close()
    yield opened
    opened.close()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_publish_the_events_that_it_owns_and_no_other(door: Door, service: str) -> None:
    channel = door.connect(service, CORE_VHOST)
    passed = set()
    for event_type in [*EVENTS, *(name[:-1] + "9" for name in EVENTS), "#", "*", "", "tongban"]:
        channel = fresh(channel)
        try:
            properties = pika.BasicProperties(user_id=service)
            channel.basic_publish(EVENTS_EXCHANGE, event_type, b"{}", properties, mandatory=True)
            passed.add(event_type)
        except UnroutableError:
            passed.add(event_type)
        except ChannelClosedByBroker as closed:
            assert closed.reply_code == REFUSED, event_type
    assert passed == {event_type for event_type, owner in OWNED.items() if owner == service}
    channel.connection.close()


FOREIGN: dict[str, Callable[[BlockingChannel, str], object]] = {
    "get": lambda ch, q: ch.basic_get(q),
    "consume": lambda ch, q: ch.basic_consume(q, lambda *_: None),
    "purge": lambda ch, q: ch.queue_purge(q),
    "delete": lambda ch, q: ch.queue_delete(q),
    "declare": lambda ch, q: ch.queue_declare(q, durable=True, arguments={"x-queue-type": "quorum"}),
    "bind": lambda ch, q: ch.queue_bind(q, EVENTS_EXCHANGE, "#"),
    "unbind": lambda ch, q: ch.queue_unbind(q, EVENTS_EXCHANGE, "#"),
    "default exchange": lambda ch, q: ch.basic_publish("", q, b"{}", mandatory=True),
}


@pytest.mark.parametrize(("service", "other"), pairs(SERVICES))
def test_the_queues_of_others_are_closed_to_a_service(door: Door, service: str, other: str) -> None:
    channel = door.connect(service, CORE_VHOST)
    for name, act in FOREIGN.items():
        channel = fresh(channel)
        with pytest.raises(ChannelClosedByBroker) as closed:
            act(channel, f"{other}.own")
        assert closed.value.reply_code == REFUSED, name
    channel.connection.close()
    assert door.waiting(f"{other}.own") == 0


SHARED: dict[str, Callable[[BlockingChannel, str], object]] = {
    "delete the exchange of events": lambda ch, _own: ch.exchange_delete(EVENTS_EXCHANGE),
    "delete it if unused": lambda ch, _own: ch.exchange_delete(EVENTS_EXCHANGE, if_unused=True),
    "declare it as it is": lambda ch, _own: ch.exchange_declare(EVENTS_EXCHANGE, "topic", durable=True),
    "declare it as another": lambda ch, _own: ch.exchange_declare(EVENTS_EXCHANGE, "fanout", durable=True),
    "declare it for a while": lambda ch, _own: ch.exchange_declare(EVENTS_EXCHANGE, "topic", auto_delete=True),
    "delete the exchange of the unreadable": lambda ch, _own: ch.exchange_delete(UNREADABLE),
    "declare it": lambda ch, _own: ch.exchange_declare(UNREADABLE, "fanout", durable=True),
    "delete the queue of the unreadable": lambda ch, _own: ch.queue_delete(UNREADABLE),
    "purge it": lambda ch, _own: ch.queue_purge(UNREADABLE),
    "read it": lambda ch, _own: ch.basic_get(UNREADABLE),
    "consume it": lambda ch, _own: ch.basic_consume(UNREADABLE, lambda *_: None),
    "declare it with other arguments": lambda ch, _own: ch.queue_declare(
        UNREADABLE, durable=True, arguments={"x-max-length": 1}
    ),
    "unbind it": lambda ch, _own: ch.queue_unbind(UNREADABLE, UNREADABLE),
    "take copies of the unreadable": lambda ch, own: ch.queue_bind(own, UNREADABLE),
    "an exchange of one's own into that of events": lambda ch, _own: ch.exchange_bind(
        EVENTS_EXCHANGE, "amq.topic", "#"
    ),
    "that of events into another": lambda ch, _own: ch.exchange_bind("amq.fanout", EVENTS_EXCHANGE, "#"),
    "an exchange with no name of one's own": lambda ch, _own: ch.exchange_declare("shadow", "fanout"),
    "a queue with no name of one's own": lambda ch, _own: ch.queue_declare("shadow"),
    "a queue with a name by the broker": lambda ch, _own: ch.queue_declare("", exclusive=True),
}


@pytest.mark.parametrize("service", SERVICES)
def test_what_all_share_no_service_makes_changes_or_deletes(door: Door, service: str) -> None:
    before = topology(door)
    channel = door.connect(service, CORE_VHOST)
    for name, act in SHARED.items():
        channel = fresh(channel)
        with pytest.raises(ChannelClosedByBroker) as closed:
            act(channel, f"{service}.own")
        assert closed.value.reply_code == REFUSED, name
    channel.connection.close()
    assert topology(door) == before


def topology(door: Door) -> list[Any]:
    """Exchanges, queues and bindings of the core."""
    definitions = door.api("GET", "definitions")
    return [
        sorted(str(row) for row in definitions[kind] if row["vhost"] == CORE_VHOST)
        for kind in ("exchanges", "queues", "bindings")
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_owner_of_an_event_is_believed(service: str) -> None:
    for event_type, spec in EVENTS.items():
        for source in (*SERVICES, "department/police", ""):
            body = b'{"type":"%s","source":"%s"}' % (event_type.encode(), source.encode())
            by_department = spec.owner == "department" and service == "gateway" and source == "department/police"
            assert may_tell(service, body) == (by_department or service == spec.owner == source), (event_type, source)


def test_an_event_smuggled_in_a_carbon_copy_is_set_aside(door: Door, tmp_path: Any) -> None:
    """On RabbitMQ 3.10 topic permissions look at the routing key only, not at CC and BCC."""
    database = make_database("audit", f"sqlite:///{tmp_path}/audit.sqlite")
    leave = each(lambda tx, event: leave_effect(tx, database, event.case_no))
    bus = RabbitBus(door.url("audit", CORE_VHOST))
    bus.attach(Inbox(database, Subscription("audit.smuggled", {CaseWithdrawn: leave}), retry_limit=3))
    bus.start()
    try:
        wait_until(lambda: bus.trouble() is None, "consuming")
        forger = door.connect("documents", CORE_VHOST)
        for header in ("CC", "BCC"):
            for source in ("workflow", "documents"):
                body = encode(envelope_of(withdrawn(f"forged-{header}"), source=source))
                copies = pika.BasicProperties(user_id="documents", headers={header: [CaseWithdrawn.TYPE]})
                forger.basic_publish(EVENTS_EXCHANGE, "licence.issued.v1", body, copies)
        genuine = encode(envelope_of(withdrawn("genuine"), source="workflow"))
        door.core.basic_publish(
            EVENTS_EXCHANGE, CaseWithdrawn.TYPE, genuine, pika.BasicProperties(user_id="workflow"), mandatory=True
        )
        wait_until(lambda: effects(database), "the genuine event takes effect")
        wait_until(lambda: door.waiting(UNREADABLE) == 4, "the forged are set aside")
        assert effects(database) == ["genuine"]
    finally:
        bus.stop(10)
