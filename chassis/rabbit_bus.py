"""The bus on RabbitMQ: the only kombu code. Quorum queues, mandatory and confirm, pipelined, reconnecting."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kombu import Connection, Exchange, Queue, binding

from chassis.bus import Outgoing, Receiver, Subscription
from chassis.rabbit_consumer import QueueConsumer
from chassis.rabbit_publisher import Publisher
from chassis.rabbit_wire import read_ahead

EVENTS = Exchange("tongban.events", type="topic", durable=True)
_BOUND = Exchange(EVENTS.name, type="topic", durable=True, no_declare=True)  # kombu would declare it with each binding
UNREADABLE = Exchange("tongban.unreadable", type="fanout", durable=True)
UNREADABLE_QUEUE = Queue("tongban.unreadable", UNREADABLE, queue_arguments={"x-queue-type": "quorum"})
HEARTBEAT_S = 30
NOT_FOUND = 404
CONNECT_TIMEOUT_S = 3.0
SOCKET_TIMEOUT_S = 10.0


def queue_of(subscription: Subscription) -> Queue:
    """The durable queue of a subscription; what cannot be read goes to ``tongban.unreadable``."""
    keys = ["#"] if subscription.everything else [f"{family}.*" for family in subscription.families]
    return Queue(
        subscription.name,
        bindings=[binding(_BOUND, routing_key=key) for key in keys],
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": 50,
            "x-dead-letter-exchange": UNREADABLE.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


class RabbitBus:
    """One publishing connection, and one connection and thread per attached receiver."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._publisher = Publisher(self._connect_publisher, EVENTS.name, Connection(url).userid or "")
        self._consumers: list[QueueConsumer] = []

    def attach(self, receiver: Receiver) -> None:
        """Consume the receiver's queue from ``start`` on."""
        subscription = receiver.subscription
        connect = lambda: _connect(self._url, heartbeat_s=HEARTBEAT_S)  # noqa: E731
        self._consumers.append(QueueConsumer(receiver, connect, lambda channel: _declare(channel, [subscription])))

    def declare(self, subscriptions: Iterable[Subscription]) -> None:
        """Make the queues now, so that what others tell before the first consumer starts waits for it.

        Raises OSError or kombu's errors when the broker does not answer or refuses.
        """
        connection = _connect(self._url, heartbeat_s=0)
        try:
            _declare(connection.channel(), subscriptions)
        finally:
            connection.close()

    def publish(self, messages: Sequence[Outgoing]) -> set[str]:
        """See Bus.publish."""
        return self._publisher.publish(messages)

    def start(self) -> None:
        """Start consuming."""
        for consumer in self._consumers:
            consumer.start()

    def stop(self, timeout_s: float) -> None:
        """Finish the batches in hand; what was only fetched goes back to its queue."""
        deadline = time.monotonic() + timeout_s
        for consumer in self._consumers:
            consumer.stopping.set()
        for consumer in self._consumers:
            if consumer.ident is not None:
                consumer.join(max(0.0, deadline - time.monotonic()))

    def trouble(self) -> str | None:
        """The first consumer that is not connected, or the publisher's last error."""
        for consumer in self._consumers:
            if consumer.trouble:
                return consumer.trouble
        return self._publisher.trouble

    def _connect_publisher(self, on_blocked: Callable[[bool], None]) -> Any:
        """Without heartbeats, for nobody would send them while nothing is told; TCP notices a dead peer at the next write."""
        connection = _connect(
            self._url,
            heartbeat_s=0,
            on_blocked=lambda _reason: on_blocked(True),
            on_unblocked=lambda: on_blocked(False),
        )
        ensure_shared(connection)
        return connection


def _connect(url: str, *, heartbeat_s: int, **options: Any) -> Any:
    """An open py-amqp connection. kombu's own object is not used further: it reconnects behind the caller's back, which
    for a confirming channel means that nobody ever hears of what was in flight.
    """
    transport = {
        "read_timeout": SOCKET_TIMEOUT_S,  # a broker that is frozen must not freeze a stop
        "write_timeout": SOCKET_TIMEOUT_S,
        "socket_settings": {
            socket.TCP_USER_TIMEOUT: int(SOCKET_TIMEOUT_S * 1000)
        },  # py-amqp's 1 s is a short back-pressure
    }
    connection = Connection(
        url,
        ssl={"server_hostname": None} if url.startswith("amqps:") else False,  # None: that of the URL is checked
        connect_timeout=CONNECT_TIMEOUT_S,
        heartbeat=heartbeat_s,
        transport_options=transport | options,
    )
    connection.ensure_connection(max_retries=0)
    read_ahead(connection.connection)
    return connection.connection


def _declare(channel: Any, subscriptions: Iterable[Subscription]) -> None:
    ensure_shared(channel.connection)
    for subscription in subscriptions:
        queue_of(subscription)(channel).declare()


def ensure_shared(connection: Any) -> None:
    """Make what all services share, unless it is there, as it is where ``gateway.provision`` has run: a service's own user may
    look at it, and no more.
    """
    probe = connection.channel()
    try:
        for exchange in (EVENTS, UNREADABLE):
            probe.exchange_declare(exchange.name, exchange.type, passive=True)
        probe.queue_declare(UNREADABLE_QUEUE.name, passive=True)
        probe.close()
    except connection.channel_errors as error:  # which closed the channel
        if error.reply_code != NOT_FOUND:
            raise
        with connection.channel() as owner:
            for exchange in (EVENTS, UNREADABLE):
                exchange(owner).declare()
            UNREADABLE_QUEUE(owner).declare()
