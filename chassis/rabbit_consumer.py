"""The consuming side on RabbitMQ: one thread per queue, batches of what waits, acknowledged after the commit."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

from chassis.bus import Receiver
from chassis.failpoints import failpoint
from chassis.loops import LONGEST_WAIT_S, backoff_s
from chassis.metrics import CONSUMED
from chassis.senders import may_tell

log = structlog.get_logger()

BATCH = 64
PREFETCH = 2 * BATCH
_POLL_S = 0.5
_NEXT_S = 0.001


class QueueConsumer(threading.Thread):
    """Takes what waits, up to BATCH, hands it over as one batch, acknowledges when it is committed.

    Works on py-amqp's channel directly: kombu's consumer decodes and decompresses what strangers sent, and raises.
    """

    def __init__(self, receiver: Receiver, connect: Callable[[], Any], declare: Callable[[Any], None]) -> None:
        self._queue, self._linger_s = receiver.subscription.name, receiver.subscription.linger_s
        super().__init__(name=f"consume-{self._queue}", daemon=True)
        self._receiver, self._connect, self._declare = receiver, connect, declare
        self._fetched: deque[Any] = deque()
        self._attempt = 0
        self.stopping = threading.Event()
        self.trouble: str | None = f"{self._queue}: connecting"

    def run(self) -> None:
        """Thread body: consume, reconnect, until told to stop."""
        while not self.stopping.is_set():
            try:
                self._session()
            except Exception as error:
                self._attempt += 1
                self.trouble = f"{self._queue}: {error!r}"
                log.warning("consumer_reconnects", queue=self._queue, error=repr(error), attempt=self._attempt)
                self.stopping.wait(backoff_s(self._attempt, ceiling_s=LONGEST_WAIT_S))

    def _session(self) -> None:
        """One connection, from its opening to its end or ``stopping``."""
        connection = self._connect()
        try:
            self._fetched.clear()
            channel = connection.channel()
            channel.auto_decode = False
            channel.basic_qos(0, PREFETCH, False)
            self._declare(channel)
            channel.basic_consume(self._queue, callback=self._fetched.append)
            self.trouble, self._attempt = None, 0
            while not self.stopping.is_set():
                self._fetch(connection)
                if self._fetched:
                    self._hand_over(connection, channel)
                else:
                    self._receiver.drained()
            connection.close()
        finally:
            connection.collect()

    def _fetch(self, connection: Any) -> None:
        """Wait a little for a first message, then take the others that are already here or come while it lingers."""
        timeout_s, until = _POLL_S, None
        try:
            while len(self._fetched) < BATCH and not self.stopping.is_set():
                if self._fetched:
                    until = until or time.monotonic() + self._linger_s
                    timeout_s = max(_NEXT_S, until - time.monotonic())
                connection.drain_events(timeout=timeout_s)
        except TimeoutError:
            pass
        connection.heartbeat_tick()  # after reading: what came in while a batch was handled counts as life

    def _hand_over(self, connection: Any, channel: Any) -> None:
        batch = [self._fetched.popleft() for _ in range(min(BATCH, len(self._fetched)))]
        genuine = [message for message in batch if self._genuine(message)]
        readable = self._receive(connection, [_body(message) for message in genuine])
        if readable is None:
            return
        failpoint("consumer.after_commit")
        good = {message.delivery_tag for message, ok in zip(genuine, readable, strict=True) if ok}
        for message in batch:
            if message.delivery_tag not in good:
                channel.basic_reject(message.delivery_tag, requeue=False)
        if good:  # a tag that is settled already must not be the last of a multiple: the broker closes the channel
            channel.basic_ack(max(good), multiple=True)

    def _receive(self, connection: Any, bodies: list[bytes]) -> list[bool] | None:
        """Hand over until it is committed; None when told to stop. The batch is held here while the database is away:
        giving it back would count as a delivery each time, and the queue's limit would take healthy messages for poison.
        """
        attempt = 0
        while not self.stopping.is_set() or attempt == 0:
            try:
                readable = self._receiver.receive(bodies)
            except Exception as error:
                attempt += 1
                self.trouble = f"{self._queue}: {error!r}"
                log.warning("batch_held", queue=self._queue, error=repr(error), attempt=attempt)
                self._stay_connected(connection, backoff_s(attempt, ceiling_s=LONGEST_WAIT_S))
            else:
                self.trouble = None
                return readable
        return None

    def _stay_connected(self, connection: Any, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping.is_set() and (left_s := until - time.monotonic()) > 0:
            try:
                connection.drain_events(timeout=min(left_s, _POLL_S))
            except TimeoutError:
                connection.heartbeat_tick()

    def _genuine(self, message: Any) -> bool:
        """The broker validates ``user-id``; topic permissions alone do not hold a sender to its own events, for ``CC``
        and ``BCC`` headers pass them by on RabbitMQ 3.10.
        """
        sender = message.properties.get("user_id")
        if sender and may_tell(sender, _body(message)):
            return True
        CONSUMED.labels(self._queue, "forged").inc()
        log.error(
            "message_of_a_wrong_sender", queue=self._queue, sender=sender,
            message_id=message.properties.get("message_id"),
        )  # fmt: skip
        return False


def _body(message: Any) -> bytes:
    """py-amqp gives text for an empty body."""
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)
