"""What every bus must do. Runs on the embedded bus and on RabbitMQ."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from chassis import parked
from chassis.bus import BusUnavailable, Outgoing
from chassis.db import Tx
from chassis.outbox import BATCH, Relay
from contracts.case import CaseClosed
from tests.chassis.rig import Consumer, Rig, eventually, on_the_wire, withdrawn


def test_every_subscriber_gets_every_event_once(rig: Rig, tmp_path: Path) -> None:
    consumers = [Consumer("audit", tmp_path), Consumer("documents", tmp_path)]
    for consumer in consumers:
        rig.join(consumer)
    rig.tell("a", "b")
    rig.tell("c")
    rig.relay.step()
    assert rig.unsent() == []
    for consumer in consumers:
        eventually(lambda c=consumer: c.effects == ["a", "b", "c"])


def test_an_unknown_major_version_is_parked_not_lost(rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rig.join(consumer)
    rig.put(on_the_wire(withdrawn("a"), event_type="case.withdrawn.v9"))
    rig.relay.step()
    [message] = eventually(lambda: parked.list_parked(consumer.database))
    assert message["type"] == "case.withdrawn.v9"
    assert "UnknownEventType" in message["error"]
    assert consumer.effects == []


def test_what_cannot_be_read_goes_aside_and_holds_nobody_up(rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rig.join(consumer)
    rig.put(Outgoing("e-1", "case.withdrawn.v1", b'{"specversion": "1.0", "id": '))
    rig.tell("a")
    rig.put(Outgoing("e-2", "case.withdrawn.v1", b"[" * 20_000))
    rig.relay.step()
    eventually(lambda: consumer.effects == ["a"])
    assert consumer.retries() == []
    if rig.is_embedded:
        assert rig.unsent() == ["case.withdrawn.v1"] * 2
        assert rig.relay.trouble is not None
    else:
        aside: list[Any] = []
        eventually(lambda: aside.extend(rig.vhost.take("tongban.unreadable")) or len(aside) == 2)


def test_events_that_no_queue_takes_stay_unsent_and_leave_when_a_queue_appears(rig: Rig, tmp_path: Path) -> None:
    rig.tell("a")
    rig.relay.step()
    assert rig.unsent() == ["case.withdrawn.v1"]
    assert "case.withdrawn.v1" in str(rig.relay.trouble)

    consumer = Consumer("audit", tmp_path)
    rig.join(consumer)
    eventually(lambda: rig.relay.step() and rig.unsent() == [])
    eventually(lambda: consumer.effects == ["a"])
    assert rig.relay.trouble is None


def test_more_events_without_a_queue_than_a_batch_do_not_hold_up_the_others(rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rig.join(consumer)
    with rig.database.transaction() as tx:
        for number in range(BATCH + 10):
            tx.tell(CaseClosed(case_no=str(number), licence_no="x"))
    rig.tell("a")
    rig.relay.step()
    eventually(lambda: consumer.effects == ["a"])
    rig.tell("b")
    rig.relay.step()
    eventually(lambda: consumer.effects == ["a", "b"])
    assert rig.unsent() == ["case.closed.v1"] * (BATCH + 10)


def test_a_message_delivered_several_times_has_one_effect(rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rig.join(consumer)
    message, last = on_the_wire(withdrawn("a")), on_the_wire(withdrawn("z"))
    for _ in range(3):
        assert rig.bus.publish([message, message]) == {message.event_id}
    rig.bus.publish([last])
    eventually(lambda: "z" in consumer.effects)
    assert consumer.effects == ["a", "z"]


def test_a_failing_message_is_retried_then_parked_while_its_neighbours_are_handled(rig: Rig, tmp_path: Path) -> None:
    broken = threading.Event()
    broken.set()
    tried: list[str] = []

    def act(tx: Tx, event: Any) -> None:
        if event.case_no == "bad":
            tried.append("bad")
            if broken.is_set():
                raise ValueError("not\0today")
        consumer.effect(tx, event)

    consumer = Consumer("audit", tmp_path, act)
    rig.join(consumer)
    rig.tell("a", "bad", "b", "c")
    rig.relay.step()
    eventually(lambda: consumer.effects == ["a", "b", "c"])
    assert rig.unsent() == []
    [row] = consumer.retries()
    assert (row.attempt, row.parked_at) == (1, None)
    assert row.retry_at > row.first_failed_at

    consumer.inbox.retries.start()
    [message] = eventually(lambda: parked.list_parked(consumer.database))
    assert message["attempt"] == 3
    assert consumer.effects == ["a", "b", "c"]

    broken.clear()
    before = len(tried)
    assert parked.replay_parked(consumer.database, message["event_id"]) == 1
    consumer.inbox.retries.nudge()
    eventually(lambda: consumer.effects == ["a", "b", "bad", "c"])
    assert len(tried) == before + 1
    assert consumer.retries() == []
    consumer.inbox.retries.stop()
    consumer.inbox.retries.join()


def test_messages_that_wait_share_a_transaction(rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rig.declare(consumer)
    rig.tell(*(f"{number:03}" for number in range(100)))
    rig.relay.step()
    if not rig.is_embedded:
        rig.join(consumer)
    eventually(lambda: len(consumer.effects) == 100)
    assert len(consumer.batches) < 20


def test_relays_of_several_services_publish_at_the_same_time(rig: Rig, tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    rig.join(consumer)
    others = [Rig(tmp_path / str(number), rig.vhost) for number in range(3)]
    for number, other in enumerate(others):
        if rig.is_embedded:
            other.bus = rig.bus
            other.relay = Relay(other.database, rig.bus)
        other.relay.loop.start()
        other.database.after_commit = other.relay.loop.nudge
        for step in range(20):
            other.tell(f"{number}-{step}")
    eventually(lambda: len(consumer.effects) == 60)
    for other in others:
        eventually(lambda o=other: o.unsent() == [])
        other.relay.loop.stop()
        other.relay.loop.join()
    assert len(set(consumer.effects)) == 60


def test_a_stop_finishes_the_message_in_hand(rig: Rig, tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def act(tx: Tx, event: Any) -> None:
        begun.set()
        assert go_on.wait(20)
        consumer.effect(tx, event)

    consumer = Consumer("audit", tmp_path, act)
    bus = rig.join(consumer)
    rig.tell("a")
    rig.relay.loop.start()
    assert begun.wait(20)
    stopper = threading.Thread(target=lambda: (bus.stop(20), rig.relay.loop.stop(), rig.relay.loop.join()))
    stopper.start()
    go_on.set()
    stopper.join()
    assert consumer.effects == ["a"]
    assert rig.unsent() == []

    begun.clear()
    again = Consumer("audit", tmp_path, act)
    rig.join(again)
    rig.tell("b")
    rig.relay.step()
    eventually(lambda: again.effects == ["a", "b"])


def test_messages_wait_for_a_database_that_is_away_and_count_no_failure(rig: Rig, tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    consumer = Consumer("audit", home)
    bus = rig.join(consumer)
    home.rename(away)
    consumer.database.engine.dispose()
    rig.tell("a", "b")
    if rig.is_embedded:
        with pytest.raises(BusUnavailable):
            rig.relay.step()
        assert len(rig.unsent()) == 2
    else:
        rig.relay.step()
        eventually(lambda: "unable to open" in str(bus.trouble()))

    away.rename(home)
    rig.relay.step()
    eventually(lambda: consumer.effects == ["a", "b"])
    assert consumer.retries() == []
    assert rig.relay.trouble is None
    eventually(lambda: bus.trouble() is None)
