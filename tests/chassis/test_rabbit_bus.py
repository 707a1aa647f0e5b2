"""What only a broker can do to us: refuse, return, cut, block, crash, deliver what strangers sent."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import kombu
import pytest

from chassis.bus import BusUnavailable
from chassis.rabbit_consumer import BATCH
from contracts.case import CaseWithdrawn
from tests.chassis.rig import Consumer, Rig, effects, eventually, on_the_wire, withdrawn


def slip_in(rig: Rig, body: bytes, *, encoding: str | None = None, headers: Any = None, **properties: Any) -> None:
    """Publish past the outbox, as the broker's administrator."""
    with kombu.Connection(rig.vhost.admin_url(), transport_options={"confirm_publish": True}) as connection:
        channel = connection.channel()
        content = channel.prepare_message(body, content_encoding=encoding, headers=headers, properties=properties)
        channel.basic_publish(content, exchange="tongban.events", routing_key="case.withdrawn.v1")


def set_aside(rig: Rig, count: int) -> list[Any]:
    found: list[Any] = []
    eventually(lambda: found.extend(rig.vhost.take("tongban.unreadable")) or len(found) >= count)
    return found


def test_a_message_without_a_sender_is_rejected_and_its_neighbours_are_handled(rabbit_rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rabbit_rig.declare(consumer)
    rabbit_rig.tell("a")
    rabbit_rig.relay.step()
    for name in ("forged-1", "forged-2"):
        slip_in(rabbit_rig, on_the_wire(withdrawn(name)).body)
    rabbit_rig.tell("b")
    rabbit_rig.relay.step()
    slip_in(rabbit_rig, on_the_wire(withdrawn("forged-3")).body)
    rabbit_rig.join(consumer)
    eventually(lambda: consumer.effects == ["a", "b"])
    forged = [json.loads(m["payload"])["subject"] for m in set_aside(rabbit_rig, 3)]
    assert sorted(forged) == ["forged-1", "forged-2", "forged-3"]
    rabbit_rig.tell("c")
    rabbit_rig.relay.step()
    eventually(lambda: consumer.effects == ["a", "b", "c"])


def test_one_that_lingers_waits_for_a_whole_batch_and_for_no_more(rabbit_rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path, linger_s=600)
    rabbit_rig.join(consumer)
    names = [f"{number:02}" for number in range(BATCH)]
    for name in names:
        rabbit_rig.tell(name)
        rabbit_rig.relay.step()
    eventually(lambda: consumer.effects == names)
    assert consumer.batches == [BATCH]


def test_what_strangers_send_does_not_stop_the_consumer(rabbit_rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    bus = rabbit_rig.join(consumer)
    sender = {"user_id": rabbit_rig.vhost.broker.admin[0]}
    slip_in(rabbit_rig, b"", **sender)
    slip_in(rabbit_rig, b"\xff\xfe", encoding="utf-8", **sender)
    slip_in(rabbit_rig, gzip.compress(b"x" * 1000)[:-9], headers={"compression": "gzip"}, **sender)
    slip_in(rabbit_rig, b"x" * 20_000_000, **sender)
    rabbit_rig.tell("a")
    rabbit_rig.relay.step()
    eventually(lambda: consumer.effects == ["a"])
    assert bus.trouble() is None
    eventually(lambda: rabbit_rig.vhost.depth("tongban.unreadable") == 4)


def test_a_message_longer_than_a_frame_arrives_whole(rabbit_rig: Rig, tmp_path: Path) -> None:
    heard: list[str] = []
    consumer = Consumer("audit", tmp_path, lambda _tx, event: heard.append(event.reason))
    rabbit_rig.join(consumer)
    reasons = ["短 short", "长" * 400_000, "short again"]
    for reason in reasons:
        rabbit_rig.put(on_the_wire(CaseWithdrawn(case_no="1", reason=reason)))
    rabbit_rig.relay.step()
    eventually(lambda: sorted(heard) == sorted(reasons))


def test_a_channel_that_the_broker_closes_does_not_cost_the_confirms(rabbit_rig: Rig, tmp_path: Path) -> None:
    """py-amqp opens such a channel again, without confirms: everything after it would wait for nothing."""
    consumer = Consumer("audit", tmp_path)
    rabbit_rig.join(consumer)
    rabbit_rig.tell("a")
    rabbit_rig.relay.step()
    with kombu.Connection(rabbit_rig.vhost.admin_url()) as connection:
        connection.channel().exchange_delete("tongban.events")
    rabbit_rig.tell("b")
    with pytest.raises(BusUnavailable, match="NOT_FOUND"):
        rabbit_rig.relay.step()
    assert len(rabbit_rig.unsent()) == 1
    rabbit_rig.declare(consumer)
    rabbit_rig.relay.step()
    assert rabbit_rig.unsent() == []
    eventually(lambda: consumer.effects == ["a", "b"])


def test_connections_that_the_broker_closes_come_back_and_nothing_is_lost(rabbit_rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rabbit_rig.join(consumer)
    rabbit_rig.tell("a")
    rabbit_rig.relay.step()
    eventually(lambda: rabbit_rig.vhost.cut_connections("audit"))
    eventually(lambda: rabbit_rig.vhost.cut_connections("workflow"))
    rabbit_rig.tell("b")
    rabbit_rig.relay.step()
    eventually(lambda: consumer.effects == ["a", "b"])


def test_a_blocked_broker_is_waited_for_and_gets_each_event_once(rabbit_rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rabbit_rig.declare(consumer)
    broker = rabbit_rig.vhost.broker
    broker.ctl("set_vm_memory_high_watermark", "0")
    try:
        rabbit_rig.tell("a", "b")
        rabbit_rig.relay.loop.start()
        eventually(lambda: "blocked" in str(rabbit_rig.bus.trouble()))
        assert len(rabbit_rig.unsent()) == 2
    finally:
        broker.ctl("set_vm_memory_high_watermark", "0.4")
    eventually(lambda: rabbit_rig.unsent() == [])
    rabbit_rig.relay.loop.stop()
    rabbit_rig.relay.loop.join()
    assert rabbit_rig.bus.trouble() is None
    eventually(lambda: rabbit_rig.vhost.depth("audit.effects") == 2)


def test_a_broker_killed_and_restarted_loses_and_doubles_nothing(rabbit_rig: Rig, tmp_path: Path) -> None:
    """The wait is for RabbitMQ: a quorum queue younger than a second or so at a kill -9 of its node is lost for good."""
    consumer = Consumer("audit", tmp_path)
    bus = rabbit_rig.join(consumer)
    relay = rabbit_rig.relay
    rabbit_rig.database.after_commit = relay.loop.nudge
    relay.loop.start()
    time.sleep(2)
    for number in range(50):
        rabbit_rig.tell(f"before-{number:02}")
    broker = rabbit_rig.vhost.broker
    broker.kill()
    for number in range(50):
        rabbit_rig.tell(f"while-{number:02}")
    eventually(lambda: relay.trouble is not None)
    eventually(lambda: bus.trouble() is not None)
    broker.restart()
    rabbit_rig.tell("after")
    eventually(lambda: len(consumer.effects) >= 101)
    eventually(lambda: rabbit_rig.unsent() == [])
    assert len(set(consumer.effects)) == len(consumer.effects) == 101
    assert effects(consumer.database)[0] == "after"
    eventually(lambda: relay.trouble is None and bus.trouble() is None)
    relay.loop.stop()
    relay.loop.join()


def test_a_queue_that_is_deleted_is_made_again(rabbit_rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rabbit_rig.join(consumer)
    with kombu.Connection(rabbit_rig.vhost.admin_url()) as connection:
        connection.channel().queue_delete("audit.effects")
    rabbit_rig.tell("a")
    eventually(lambda: rabbit_rig.relay.step() and consumer.effects == ["a"])
