"""Three nodes as one broker: what was confirmed is there when the leader of its queue has been killed."""

from __future__ import annotations

import time
from pathlib import Path

import pika
import pika.exceptions
import pytest

from localservers.rabbitmq_cluster import RabbitMQCluster

QUEUE = "q"
QUEUE_AGE_S = 2.0  # a quorum queue younger than a second or so at a kill -9 may be lost for good


class Publisher:
    """Publishes numbers until each is confirmed, reconnecting through the entrance. ``breaks`` counts what went wrong."""

    def __init__(self, url: str) -> None:
        self._parameters = pika.URLParameters(url)
        self.confirmed: list[int] = []
        self.breaks = 0

    def publish(self, count: int) -> None:
        goal = len(self.confirmed) + count
        while len(self.confirmed) < goal:
            try:
                with pika.BlockingConnection(self._parameters) as connection:
                    channel = connection.channel()
                    channel.confirm_delivery()
                    while len(self.confirmed) < goal:
                        number = len(self.confirmed)
                        channel.basic_publish("", QUEUE, str(number).encode(), mandatory=True)
                        self.confirmed.append(number)
            except pika.exceptions.AMQPError:
                self.breaks += 1
                assert self.breaks < 1000, "publishing does not go on"
                time.sleep(0.02)


def take_all(url: str) -> set[int]:
    found = set()
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        while (message := channel.basic_get(QUEUE, auto_ack=True))[0]:
            found.add(int(message[2]))
    return found


@pytest.mark.servers
def test_nothing_confirmed_is_lost_when_the_leaders_node_is_killed_and_it_comes_back(tmp_path: Path) -> None:
    with RabbitMQCluster(tmp_path) as cluster:
        url = cluster.url("/", *cluster.admin)
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            connection.channel().queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        time.sleep(QUEUE_AGE_S)
        queue = cluster.management.queue("/", QUEUE)
        assert queue
        assert len(queue["members"]) == 3
        publisher = Publisher(url)
        publisher.publish(60)
        first = cluster.leader("/", QUEUE)
        cluster.kill(first)
        publisher.publish(60)
        assert len(cluster.pids) == 2
        assert cluster.management.alive(), "the management API of a living node answers"
        cluster.restart(first)
        publisher.publish(10)
        assert take_all(url) == set(publisher.confirmed) == set(range(130))
        assert len(cluster.pids) == 3
