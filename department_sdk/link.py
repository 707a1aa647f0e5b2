"""One AMQP connection with one confirming channel, on an I/O loop. It reconnects by itself; what it sends is confirmed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import pika
from pika import spec
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel

from department_sdk.errors import backoff_s

log = logging.getLogger(__name__)

RECONNECT_CEILING_S = 5.0
HEARTBEAT_S = 20

Done = Callable[[str | None], None]
"""Told once how a letter ended: None when confirmed, else ``disconnected``, ``unroutable`` or ``refused``."""


@dataclass(frozen=True)
class Letter:
    """A message to send. It carries no headers, so that it goes where it says and nowhere else."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    content_type: str


@dataclass(frozen=True)
class Delivery:
    """A message received. Settle it once; after its channel closed that does nothing, and the broker delivers it again."""

    body: bytes
    sender: str | None
    channel: Channel
    tag: int

    @property
    def alive(self) -> bool:
        """False when the broker has taken the message back."""
        return bool(self.channel.is_open)

    def ack(self) -> None:
        """The message is done with."""
        if self.alive:
            self.channel.basic_ack(self.tag)

    def reject(self) -> None:
        """The message cannot be read: to the dead-letter exchange if the queue has one."""
        if self.alive:
            self.channel.basic_reject(self.tag, requeue=False)


class Link:
    """Lives on the thread of its loop: call it from there only (``IOLoop.add_callback_threadsafe``)."""

    def __init__(
        self,
        ioloop: IOLoop,
        url: str,
        vhost: str,
        *,
        prefetch: int,
        declare: Callable[[Channel], None] | None = None,
    ) -> None:
        self._ioloop, self._prefetch, self._declare = ioloop, prefetch, declare
        self._handlers: Mapping[str, Callable[[Delivery], None]] = {}
        self._parameters = parameters_of(url, vhost)
        self.user = str(self._parameters.credentials.username)
        self.trouble: str | None = f"{vhost}: connecting"
        self._vhost = vhost
        self._connection: SelectConnection | None = None
        self._channel: Channel | None = None
        self._closing = False
        self._reason: Any = None
        self._attempt = 0
        self._starting = 0
        self._sent = 0
        self._unconfirmed: dict[int, Done] = {}
        self._returned: set[int] = set()

    def open(self) -> None:
        """Connect, and again whenever the connection ends, until ``close``."""
        if not self._closing:
            self._connection = SelectConnection(
                self._parameters,
                on_open_callback=lambda connection: connection.channel(on_open_callback=self._prepare),
                on_open_error_callback=self._ended,
                on_close_callback=self._ended,
                custom_ioloop=self._ioloop,
            )

    def consume(self, handlers: Mapping[str, Callable[[Delivery], None]]) -> None:
        """Take messages from these queues, now and after each reconnection. Call once."""
        self._handlers = handlers
        if self._channel is not None and self._channel.is_open:
            self._start_consumers(self._channel)

    def close(self) -> None:
        """Close for good. What was not confirmed ends as ``disconnected``."""
        self._closing = True
        if self._connection is not None and self._connection.is_open:
            self._connection.close()

    @property
    def closed(self) -> bool:
        """True when nothing is left of a closed link."""
        return self._connection is None or bool(self._connection.is_closed)

    def send(self, letter: Letter, done: Done) -> None:
        """Publish persistent and mandatory, in our own name; ``done`` is told when the broker has it, or has not."""
        if self._channel is None or not self._channel.is_open:
            done("disconnected")
            return
        self._sent += 1
        self._unconfirmed[self._sent] = done
        properties = pika.BasicProperties(
            content_type=letter.content_type,
            delivery_mode=2,
            message_id=letter.message_id,
            user_id=self.user,
            correlation_id=str(self._sent),  # tells which message a return is about
        )
        self._channel.basic_publish(letter.exchange, letter.routing_key, letter.body, properties, mandatory=True)

    def _prepare(self, channel: Channel) -> None:
        channel.add_on_close_callback(self._hang_up)
        channel.add_on_cancel_callback(lambda _frame: self._hang_up(channel, "consumer cancelled by the broker"))
        channel.add_on_return_callback(
            lambda _channel, _method, properties, _body: self._returned.add(int(properties.correlation_id))
        )
        channel.confirm_delivery(self._settled)
        if self._declare:
            self._declare(channel)
        channel.basic_qos(prefetch_count=self._prefetch, callback=lambda _frame: self._ready(channel))

    def _ready(self, channel: Channel) -> None:
        self._channel, self._sent, self._returned = channel, 0, set()
        if self._handlers:
            self._start_consumers(channel)
        else:
            self._attempt, self.trouble = 0, None

    def _start_consumers(self, channel: Channel) -> None:
        self._starting = len(self._handlers)
        for queue, handler in self._handlers.items():
            channel.basic_consume(queue, _receiver(handler), callback=lambda _frame: self._started())

    def _started(self) -> None:
        self._starting -= 1
        if self._starting == 0:
            self._attempt, self.trouble = 0, None

    def _hang_up(self, _channel: Channel, reason: Any) -> None:
        """A channel that ended takes its connection along: one way to recover is enough."""
        self._reason = self._reason or reason
        if self._connection is not None and self._connection.is_open:
            self._connection.close()

    def _ended(self, _connection: Any, reason: Any) -> None:
        self._channel = None
        unconfirmed, self._unconfirmed = self._unconfirmed, {}
        for done in unconfirmed.values():
            done("disconnected")
        if self._closing:
            return
        self._attempt += 1
        self.trouble, self._reason = f"{self._vhost}: {self._reason or reason!r}", None
        log.warning("amqp link ended, attempt %d: %s", self._attempt, self.trouble)
        self._ioloop.call_later(backoff_s(self._attempt, ceiling_s=RECONNECT_CEILING_S), self.open)

    def _settled(self, frame: Any) -> None:
        last, refused = frame.method.delivery_tag, isinstance(frame.method, spec.Basic.Nack)
        upto = takewhile(lambda tag: tag <= last, self._unconfirmed)  # in order of sending
        tags = list(upto) if frame.method.multiple else [last]
        for tag in tags:
            done = self._unconfirmed.pop(tag)
            returned = tag in self._returned
            self._returned.discard(tag)
            done("unroutable" if returned else "refused" if refused else None)


def parameters_of(url: str, vhost: str) -> pika.URLParameters:
    """Connection parameters of ``url`` with its virtual host replaced."""
    parameters = pika.URLParameters(url)
    parameters.virtual_host = vhost
    parameters.heartbeat = HEARTBEAT_S
    return parameters


def _receiver(handler: Callable[[Delivery], None]) -> Callable[..., None]:
    def receive(channel: Channel, method: Any, properties: Any, body: bytes) -> None:
        handler(Delivery(body, properties.user_id, channel, method.delivery_tag))

    return receive
