"""The publishing side on RabbitMQ: a confirming channel. Publishes a batch, then waits for all confirms at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from chassis.bus import BusUnavailable, Outgoing
from chassis.failpoints import failpoint
from chassis.rabbit_wire import PublishFrames
from contracts.envelope import CONTENT_TYPE

CONFIRM_TIMEOUT_S = 10
_WAIT_S = 1.0


class Publisher:
    """Publishes as ``user``, which the broker checks. ``connect`` opens a connection and tells when it is blocked."""

    def __init__(self, connect: Callable[[Callable[[bool], None]], Any], exchange: str, user: str) -> None:
        self._connect, self._exchange, self._user = connect, exchange, user
        self._lock = threading.Lock()
        self._connection: Any = None
        self._channel: Any = None
        self._frames: PublishFrames
        self._blocked = False
        self._sent = 0
        self._pending: dict[int, str] = {}
        self._refused: set[str] = set()
        self.trouble: str | None = None

    def publish(self, messages: Sequence[Outgoing]) -> set[str]:
        """Ids of the confirmed. Raises BusUnavailable: of the others nothing is known."""
        with self._lock:
            try:
                self._open()
                self._send(messages)
                failpoint("relay.before_confirm")
                self._await_confirms()
            except Exception as error:  # py-amqp raises anything at all when a connection ends in the middle
                self.trouble = f"publisher: {error!r}"
                self._drop()
                raise BusUnavailable(self.trouble) from error
            self.trouble = None
            return {m.event_id for m in messages} - self._refused

    def _open(self) -> None:
        """Connect if need be. A connection that ended while nothing was told is noticed here, before anything is sent."""
        if self._channel is not None:
            try:
                while self._drain(_WAIT_S if self._blocked else 0.0) or self._blocked:
                    pass
            except Exception:
                self._drop()
            else:
                return
        self._blocked = False
        self._connection = self._connect(self._on_blocked)
        channel = self._connection.channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._frames = PublishFrames(channel, self._exchange, self._user, CONTENT_TYPE)
        self._channel, self._sent = channel, 0

    def _drop(self) -> None:
        """Throw the connection away. A channel that the broker closed comes back without confirms, so it goes too."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.collect()

    def _send(self, messages: Sequence[Outgoing]) -> None:
        self._pending, self._refused = {}, set()
        frames: list[bytes] = []
        for message in messages:
            self._sent += 1
            self._pending[self._sent] = message.event_id
            frames += self._frames.of(message.type, message.event_id, message.body)
        self._connection.transport.write(b"".join(frames))

    def _await_confirms(self) -> None:
        """Wait as long as confirms come in. A blocked broker (memory or disk alarm) is waited for: to connect and publish
        again would heap up copies of the same batch in front of it.
        """
        silent = 0
        while self._pending:
            silent = 0 if self._drain(_WAIT_S) or self._blocked else silent + 1
            if silent >= CONFIRM_TIMEOUT_S:
                raise TimeoutError(f"{len(self._pending)} messages were not confirmed")

    def _drain(self, wait_s: float) -> bool:
        """Handle one frame; False if none came."""
        try:
            self._connection.drain_events(timeout=wait_s)
        except TimeoutError:
            return False
        return True

    def _on_blocked(self, blocked: bool) -> None:
        self._blocked = blocked
        self.trouble = "publisher: blocked by the broker (memory or disk alarm)" if blocked else None

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._refused.update(self._settle(tag, multiple))

    def _on_return(self, _error: Exception, _exchange: str, _key: str, message: Any) -> None:
        """No queue took it. The broker says so before it confirms."""
        self._refused.add(message.properties["message_id"])

    def _settle(self, tag: int, multiple: bool) -> list[str]:
        tags = [t for t in self._pending if t <= tag] if multiple else [tag]
        return [self._pending.pop(t) for t in tags if t in self._pending]
