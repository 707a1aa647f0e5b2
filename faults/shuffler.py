"""Duplicates and reordering on a live broker: between the exchange of events and a queue stands a queue of ours."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from types import TracebackType
from typing import Any, Self

import pika
from pika import spec
from pika.adapters.select_connection import IOLoop, SelectConnection

from gateway.broker_plan import EVENTS_EXCHANGE, QUORUM, UNLIMITED_DELIVERIES
from localservers.rabbitmq_cluster import Broker

WINDOW = 50
HOLD_S = 0.1
FEWEST, MOST = 2, 10
USER = "chaos"
RECONNECT_S = 0.5
DRAIN_TIMEOUT_S = 60.0
_ARGUMENTS = QUORUM | {"x-delivery-limit": UNLIMITED_DELIVERIES}
_PREFETCH = 4 * WINDOW
_LOOK_S = 0.1
_QUIET_LOOKS = 5


class Shuffler:
    """Takes ``queues`` off the exchange of events while the block runs, and feeds them itself.

    What comes is held until there are 50 messages, or for 100 ms; then each is published 2 to 10 times, all copies mixed,
    straight to the real queue and otherwise as it was. A message is acknowledged when all its copies are confirmed: a
    broker that is killed makes more copies and loses none. ``taken`` counts messages done with, ``given`` copies confirmed.

    The platform's consumers declare their bindings again whenever they connect. From then on such a queue gets everything
    straight from the exchange too; ``divert`` may be called again.
    """

    def __init__(self, broker: Broker, vhost: str, queues: Sequence[str], *, seed: int) -> None:
        self.random = random.Random(seed)
        self.taken = self.given = 0
        self._management, self._vhost = broker.management, vhost
        self._password = secrets.token_urlsafe(16)
        self._parameters = pika.URLParameters(broker.url(vhost, USER, self._password))
        self._keys: dict[str, set[str]] = {queue: set() for queue in queues}
        self._lines: list[_Line] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shuffler", daemon=True)

    def __enter__(self) -> Self:
        """Divert. Raises pika's errors or ManagementError."""
        # The tag lets it publish what somebody else wrote, with the user-id that the broker has validated.
        self._management.create_user(USER, self._password, tags="impersonator")
        self._management.set_permissions(self._vhost, USER, configure=".*", write=".*", read=".*")
        self.divert()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.restore()
        finally:
            self._over.set()
            self._thread.join()
        if error is None:
            with pika.BlockingConnection(self._parameters) as connection:
                for queue in self._keys:
                    connection.channel().queue_delete(_ours(queue))
            self._management.delete_user(USER)

    def divert(self) -> None:
        """Our queues take the place of the real ones in every binding to the exchange of events."""
        with pika.BlockingConnection(self._parameters) as connection:
            channel = connection.channel()
            for queue, keys in self._keys.items():
                keys.update(self._management.binding_keys(self._vhost, EVENTS_EXCHANGE, queue))
                channel.queue_declare(_ours(queue), durable=True, arguments=_ARGUMENTS)
                for key in keys:
                    channel.queue_bind(_ours(queue), EVENTS_EXCHANGE, key)
                    channel.queue_unbind(queue, EVENTS_EXCHANGE, key)

    def restore(self) -> None:
        """The real queues are bound as before; returns when ours are empty. May be called again after a failure.

        Raises pika's errors, or TimeoutError when something is left.
        """
        with pika.BlockingConnection(self._parameters) as connection:
            channel = connection.channel()
            for queue, keys in self._keys.items():
                for key in keys:
                    channel.queue_bind(queue, EVENTS_EXCHANGE, key)
                    channel.queue_unbind(_ours(queue), EVENTS_EXCHANGE, key)
        for line in self._lines:
            line.quiet_looks = 0
        deadline = time.monotonic() + DRAIN_TIMEOUT_S
        while not (self._lines and all(line.quiet_looks >= _QUIET_LOOKS for line in self._lines)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"messages are left before {', '.join(self._keys)}")
            time.sleep(_LOOK_S)

    def _run(self) -> None:
        """Thread body: move messages, reconnect, until it is over."""
        while not self._over.is_set():
            self._session()
            self._over.wait(RECONNECT_S)

    def _session(self) -> None:
        """One connection, from its opening to its end."""
        ioloop = IOLoop()
        ended: Callable[[Any, Any], None] = lambda _connection, _reason: ioloop.stop()  # noqa: E731
        connection = SelectConnection(
            self._parameters, self._opened, on_open_error_callback=ended, on_close_callback=ended, custom_ioloop=ioloop
        )

        def close_when_over() -> None:
            if self._over.is_set() and connection.is_open:
                connection.close()
            else:
                ioloop.call_later(_LOOK_S, close_when_over)

        close_when_over()
        ioloop.start()
        self._lines = []
        ioloop.close()

    def _opened(self, connection: SelectConnection) -> None:
        self._lines = [_Line(self, queue, connection) for queue in self._keys]


@dataclass(eq=False)
class _Message:
    tag: int
    properties: Any
    body: bytes
    copies_left: int = 0


class _Line:
    """From our queue to the real one, on a channel of its own. Lives on the shuffler's thread."""

    def __init__(self, shuffler: Shuffler, queue: str, connection: SelectConnection) -> None:
        self.quiet_looks = 0
        self._shuffler, self._queue, self._connection = shuffler, queue, connection
        self._channel: Any = None
        self._window: list[_Message] = []
        self._sent = 0
        self._unconfirmed: dict[int, _Message] = {}
        connection.channel(on_open_callback=self._begin)

    def _begin(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _channel, _reason: self._hang_up())
        channel.add_on_cancel_callback(lambda _frame: self._hang_up())
        channel.add_on_return_callback(lambda *_returned: self._hang_up())  # confirmed although no queue took it
        channel.confirm_delivery(self._settled)
        channel.basic_qos(prefetch_count=_PREFETCH)
        channel.basic_consume(_ours(self._queue), self._received)
        self._look()

    def _hang_up(self) -> None:
        """Begin anew with another connection: the broker delivers again what was not acknowledged."""
        if self._connection.is_open:
            self._connection.close()

    def _look(self) -> None:
        """Count how often in a row nothing was there. The answer comes behind the deliveries that are on their way here."""
        if self._channel.is_open:
            self._channel.queue_declare(_ours(self._queue), passive=True, callback=self._seen)

    def _seen(self, frame: Any) -> None:
        busy = frame.method.message_count or self._window or self._unconfirmed
        self.quiet_looks = 0 if busy else self.quiet_looks + 1
        self._later(_LOOK_S, self._look)

    def _received(self, _channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self.quiet_looks = 0
        self._window.append(_Message(method.delivery_tag, properties, body))
        if len(self._window) == WINDOW:
            self._pass_on(self._window)
        elif len(self._window) == 1:
            window = self._window
            self._later(HOLD_S, lambda: self._pass_on(window))

    def _pass_on(self, window: list[_Message]) -> None:
        """Unless that has been done: it was full before its time was over."""
        if window is not self._window:
            return
        self._window = []
        copies = []
        for message in window:
            message.copies_left = self._shuffler.random.randint(FEWEST, MOST)
            copies += [message] * message.copies_left
        self._shuffler.random.shuffle(copies)
        for message in copies:
            self._publish(message)

    def _publish(self, message: _Message) -> None:
        if self._channel.is_open:
            self._sent += 1
            self._unconfirmed[self._sent] = message
            self._channel.basic_publish("", self._queue, message.body, message.properties, mandatory=True)

    def _settled(self, frame: Any) -> None:
        last, refused = frame.method.delivery_tag, isinstance(frame.method, spec.Basic.Nack)
        upto = takewhile(lambda number: number <= last, self._unconfirmed)  # in order of sending
        for number in list(upto) if frame.method.multiple else [last]:
            message = self._unconfirmed.pop(number)
            if refused:
                self._later(HOLD_S, lambda message=message: self._publish(message))  # type: ignore[misc]
            else:
                self._confirmed(message)

    def _confirmed(self, message: _Message) -> None:
        self._shuffler.given += 1
        message.copies_left -= 1
        if message.copies_left == 0 and self._channel.is_open:
            self._shuffler.taken += 1
            self._channel.basic_ack(message.tag)

    def _later(self, seconds: float, step: Callable[[], None]) -> None:
        self._connection.ioloop.call_later(seconds, step)


def _ours(queue: str) -> str:
    return f"chaos.{queue}"
