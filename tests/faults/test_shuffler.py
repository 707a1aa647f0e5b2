"""Duplicates and reordering between exchange and queue: everything arrives several times, out of order, otherwise as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from faults.shuffler import FEWEST, MOST, WINDOW, Shuffler
from tests.conftest import Vhost

EVENTS = "tongban.events"
CASES, EVERYTHING = "workflow.cases", "audit.everything"
MESSAGES = 240
TIMEOUT_S = 60.0


class Room:
    """Two bound queues, a teller who is no administrator, and a reader."""

    def __init__(self, vhost: Vhost, teller: BlockingChannel, reader: BlockingChannel) -> None:
        self.vhost, self._teller, self._reader = vhost, teller, reader
        teller.confirm_delivery()
        self.declare()

    def declare(self) -> None:
        """As the platform's consumers do whenever they connect."""
        self._reader.exchange_declare(EVENTS, "topic", durable=True)
        for queue, keys in ((CASES, ["case.*", "task.*"]), (EVERYTHING, ["#"])):
            self._reader.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
            for key in keys:
                self._reader.queue_bind(queue, EVENTS, key)

    def tell(self, numbers: range) -> None:
        for number in numbers:
            properties = pika.BasicProperties(
                content_type="application/json", delivery_mode=2, message_id=f"m{number}", user_id="workflow"
            )
            self._teller.basic_publish(EVENTS, f"case.v{number % 7}", b"%d" % number, properties, mandatory=True)

    def read(self, queue: str) -> list[tuple[int, Any]]:
        """Everything in a queue now."""
        count = self._reader.queue_declare(queue, passive=True).method.message_count
        taken = self._reader.consume(queue, auto_ack=True, inactivity_timeout=TIMEOUT_S)
        found = [(int(body or b""), properties) for _, properties, body in islice(taken, count)]
        self._reader.cancel()
        return found


@pytest.fixture
def room(vhost: Vhost) -> Iterator[Room]:
    with (
        pika.BlockingConnection(pika.URLParameters(vhost.admin_url())) as admin,
        pika.BlockingConnection(pika.URLParameters(vhost.url("workflow"))) as workflow,
    ):
        yield Room(vhost, workflow.channel(), admin.channel())


def bound(room: Room, queue: str) -> set[str]:
    return set(room.vhost.broker.management.binding_keys(room.vhost.name, EVENTS, queue))


def test_every_message_comes_two_to_ten_times_within_a_window_and_with_its_sender(room: Room) -> None:
    broker, name = room.vhost.broker, room.vhost.name
    with Shuffler(broker, name, [CASES, EVERYTHING], seed=3) as shuffler:
        assert bound(room, CASES) == bound(room, EVERYTHING) == set()
        room.tell(range(MESSAGES))
        shuffler.restore()  # returns when all is through
        for queue in (CASES, EVERYTHING):
            came = room.read(queue)
            copies = Counter(number for number, _ in came)
            assert set(copies) == set(range(MESSAGES))
            assert min(copies.values()) == FEWEST
            assert max(copies.values()) == MOST
            order = list(dict.fromkeys(number for number, _ in came))
            assert order != sorted(order)
            assert all(abs(place - number) < WINDOW for place, number in enumerate(order))
            assert {(p.user_id, p.message_id, p.delivery_mode, p.content_type) for _, p in came} == {
                ("workflow", f"m{number}", 2, "application/json") for number in range(MESSAGES)
            }
        assert shuffler.taken == 2 * MESSAGES
        assert 2 * MESSAGES * FEWEST < shuffler.given < 2 * MESSAGES * MOST
    assert bound(room, CASES) == {"case.*", "task.*"}
    assert bound(room, EVERYTHING) == {"#"}
    assert broker.management.queue(name, f"chaos.{CASES}") is None
    room.tell(range(5))
    assert [number for number, _ in room.read(CASES)] == [0, 1, 2, 3, 4]


def test_a_cut_connection_loses_nothing_and_a_consumer_that_binds_again_can_be_diverted_again(room: Room) -> None:
    with Shuffler(room.vhost.broker, room.vhost.name, [CASES], seed=4) as shuffler:
        room.tell(range(MESSAGES // 2))
        while not room.vhost.cut_connections("chaos"):
            pass  # the API learns of a connection late
        room.tell(range(MESSAGES // 2, MESSAGES))
        room.declare()
        shuffler.divert()
        room.tell(range(MESSAGES, MESSAGES + 10))
    came = Counter(number for number, _ in room.read(CASES))
    assert set(came) == set(range(MESSAGES + 10))
    assert min(came.values()) >= FEWEST
