"""Refused broker operations become a metric and a line in our log; and the bridge follows settings that change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker
from prometheus_client import REGISTRY

from gateway.bridge import Changes
from gateway.broker_plan import CORE_VHOST, EVENTS_EXCHANGE, POLICIES
from gateway.refusals import Refused, refused_in
from tests.department_sdk.broker_door import Door, broker_of, running_bridge, wait_until
from tests.gateway.besieged import fresh

ENTRY = "2026-11-26 02:49:15.554776+00:00 [error] <0.1137.0> "
ON = (
    f"{ENTRY}Channel error on connection <0.1128.0> (127.0.0.1:1 -> 127.0.0.1:2, vhost: 'tongban', user: 'audit'), "
    f"channel 1:\n{ENTRY}"
)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (ON + "operation exchange.delete caused a channel exception access_refused: access to exchange 'tongban.events' in vhost "
         "'tongban' refused for user 'audit'", Refused("audit", "exchange.delete")),
        (ON + "operation queue.declare caused a channel exception precondition_failed: inequivalent arg 'durable' for queue 'q' "
         "in vhost 'tongban': received 'false' but current is 'true'", Refused("audit", "queue.declare")),
        (ENTRY + "PLAIN login refused: user 'police' - invalid credentials", Refused("police", "login")),
        (ENTRY + "access to vhost 'tongban' refused for user 'police'", Refused("police", "vhost")),
        (ON + "operation basic.get caused a channel exception not_found: no queue 'q' in vhost 'tongban'", None),
        (ENTRY + "closing AMQP connection <0.1.0>: client unexpectedly closed TCP connection", None),
        ("", None),
    ],
)  # fmt: skip
def test_what_an_entry_of_the_brokers_log_tells_of(text: str, refused: Refused | None) -> None:
    assert refused_in(text) == refused


@pytest.fixture(scope="module")
def door(rabbitmq: Any) -> Iterator[Door]:
    opened = Door(broker_of(rabbitmq), ("police", "transport"))
    yield opened
    opened.close()


def counted(user: str, what: str) -> float:
    return REGISTRY.get_sample_value("tongban_broker_refusals_total", {"user": user, "what": what}) or 0.0


def attempt(channel: BlockingChannel, act: Callable[[BlockingChannel], object]) -> BlockingChannel:
    with pytest.raises(ChannelClosedByBroker):
        act(channel)
    return fresh(channel)


@pytest.mark.servers
def test_every_refused_operation_is_counted_for_who_tried_and_nothing_has_changed(door: Door) -> None:
    with running_bridge(door):
        wait_until(lambda: REGISTRY.get_sample_value("tongban_broker_log_read") == 1, "the log is read")
        before = {
            (u, w): counted(u, w)
            for u, w in [("audit", "exchange.delete"), ("police", "queue.purge"), ("other", "login")]
        }
        service, department = door.connect("audit", CORE_VHOST), door.connect("police", "d.police")
        service = attempt(service, lambda ch: ch.exchange_delete(EVENTS_EXCHANGE))
        service = attempt(service, lambda ch: ch.exchange_delete(EVENTS_EXCHANGE))
        department = attempt(department, lambda ch: ch.queue_purge("answers"))
        with pytest.raises(AMQPConnectionError):
            pika.BlockingConnection(pika.URLParameters(door.url("audit").replace("audit:", "nobody-we-know:")))
        wait_until(
            lambda: (
                (counted("audit", "exchange.delete"), counted("police", "queue.purge"), counted("other", "login"))
                == (
                    before["audit", "exchange.delete"] + 2,
                    before["police", "queue.purge"] + 1,
                    before["other", "login"] + 1,
                )
            ),
            "all are counted",
        )
        service.exchange_declare(EVENTS_EXCHANGE, passive=True)
        for channel in (service, department):
            channel.connection.close()


@pytest.mark.servers
def test_rejections_that_nobody_takes_push_out_the_oldest_and_hold_up_no_answer(door: Door) -> None:
    limit = POLICIES["rejected"]["max-length"]
    admin = door.admin("d.transport")
    properties = pika.BasicProperties(delivery_mode=2)
    for number in range(limit + 500):
        admin.basic_publish("", "rejected", b"%d" % number, properties)
    wait_until(lambda: door.waiting("rejected", vhost="d.transport") == limit, "the oldest have gone")
    method, _, body = admin.basic_get("rejected", auto_ack=True)
    assert method
    assert body == b"500"
    with running_bridge(door):
        out = door.connect("transport", "d.transport")
        out.basic_publish("out", "", b"rubbish", pika.BasicProperties(user_id="transport"), mandatory=True)
        wait_until(lambda: door.waiting("answers", vhost="d.transport") == 0, "the answer was judged")
        wait_until(lambda: door.waiting("rejected", vhost="d.transport") == limit, "and came back")
        out.connection.close()
    admin.queue_purge("rejected")
    with suppress(Exception):
        admin.connection.close()


@pytest.mark.servers
def test_a_department_named_while_the_bridge_runs_is_served_and_nonsense_changes_nothing(door: Door) -> None:
    with running_bridge(door, ("police",)) as bridge:
        changes = Changes(bridge, "INFO", ("police",))
        for named, served in (
            ("police,transport", {"d.police", "d.transport"}),
            ("Not a code", {"d.police", "d.transport"}),
        ):
            changes.apply({"departments": named})
            wait_until(lambda served=served: _ready(bridge) == served, "served")  # type: ignore[misc]
        changes.apply({})
        wait_until(lambda: _ready(bridge) == {"d.police"}, "back to the settings from the start")


def _ready(bridge: Any) -> set[str]:
    ok, parts = bridge.health.report()
    return {part for part in parts if part.startswith("d.")} if ok else set()
