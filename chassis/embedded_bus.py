"""The bus of the embedded mode: no queue at all. An outbox row is the queue until every subscriber has committed."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.bus import BusUnavailable, Outgoing, Receiver
from chassis.failpoints import failpoint


class EmbeddedBus:
    """Hands messages over inside the process; ``publish`` returns after every subscriber's commit."""

    def __init__(self) -> None:
        self._receivers: list[Receiver] = []

    def attach(self, receiver: Receiver) -> None:
        """Deliver to ``receiver``."""
        self._receivers.append(receiver)

    def publish(self, messages: Sequence[Outgoing]) -> set[str]:
        """Deliver to every subscriber that wants it; called by the relays of several services at once.

        What a subscriber cannot read is not delivered. Raises BusUnavailable if one could not commit.
        """
        routed: set[str] = set()
        refused: set[str] = set()
        for receiver in self._receivers:
            wanted = [m for m in messages if receiver.subscription.wants(m.type)]
            if not wanted:
                continue
            try:
                readable = receiver.receive([m.body for m in wanted])
            except Exception as error:
                raise BusUnavailable(f"{receiver.subscription.name}: {error}") from error
            receiver.drained()  # what waits is in the outbox
            for message, ok in zip(wanted, readable, strict=True):
                (routed if ok else refused).add(message.event_id)
            failpoint("consumer.after_commit")
        failpoint("relay.before_confirm")
        return routed - refused

    def start(self) -> None:
        """Nothing to start: delivery happens in ``publish``."""

    def stop(self, timeout_s: float) -> None:
        """Nothing to stop: the relays that call ``publish`` are stopped."""

    def trouble(self) -> str | None:
        """Never in trouble by itself."""
        return None
