"""What the mechanism needs of a bus. Two adapters: ``rabbit_bus`` and ``embedded_bus``; one conformance suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from chassis.db import Tx
from contracts.envelope import Envelope, Event
from contracts.registry import EVENTS


class BusUnavailable(Exception):
    """The bus did not confirm; what was not confirmed must be sent again."""


@dataclass(frozen=True)
class Outgoing:
    """An event as the relay hands it over. ``body`` is the encoded envelope."""

    event_id: str
    type: str
    body: bytes


@dataclass(frozen=True)
class Delivery:
    """A message as a handler sees it. ``event`` is None only for subscriptions to everything."""

    envelope: Envelope
    event: Any


BatchHandler = Callable[[Tx, Sequence[Delivery]], None]


def each(handler: Callable[[Tx, Any], None]) -> BatchHandler:
    """Lift a function of one event to a handler of many; causes and traces stay apart."""
    from chassis import trace

    def handle(tx: Tx, deliveries: Sequence[Delivery]) -> None:
        for one in deliveries:
            envelope = one.envelope
            with trace.work(parent=envelope.traceparent, cause=envelope.id, case_no=envelope.subject):
                handler(tx, one.event)

    return handle


@dataclass(frozen=True)
class Subscription:
    """A durable queue and who handles what arrives on it. Give ``handlers`` or ``everything``.

    Handlers of one subscription must commute: per-case order is not promised, ``caseseq`` tells it. ``linger_s``: how long
    a message may wait for others, where nobody waits for its effect and a larger batch is much cheaper.
    """

    name: str
    handlers: Mapping[type[Event], BatchHandler] = field(default_factory=dict)
    everything: BatchHandler | None = None
    linger_s: float = 0.0

    @property
    def families(self) -> tuple[str, ...]:
        """Event types without their major version, such as ``case.approved``; empty means all."""
        return tuple(sorted({event.TYPE.rsplit(".v", 1)[0] for event in self.handlers}))

    def wants(self, event_type: str) -> bool:
        """True for every major of a handled family: an unknown major is parked, not lost."""
        return self.everything is not None or event_type.rsplit(".v", 1)[0] in self.families

    def handler_of(self, event: Event) -> BatchHandler | None:
        """The handler of a decoded event."""
        return self.handlers.get(type(event))


class Receiver(Protocol):
    """The consuming side, as an adapter sees it."""

    @property
    def subscription(self) -> Subscription:
        """Which queue this is."""

    def receive(self, bodies: Sequence[bytes]) -> list[bool]:
        """Handle in one transaction. When it returns all effects are committed (or written down for retry).

        False marks a body that cannot be read at all. Raises when the database is away: then hand over again, the same
        bodies or more, until it returns.
        """

    def drained(self) -> None:
        """Nothing waits any more."""


class Bus(Protocol):
    """A durable bus."""

    def publish(self, messages: Sequence[Outgoing]) -> set[str]:
        """Ids of the events that every subscriber's queue holds now; the others were unroutable.

        Raises BusUnavailable when the outcome is unknown.
        """

    def attach(self, receiver: Receiver) -> None:
        """Deliver to ``receiver`` from ``start`` on."""

    def start(self) -> None:
        """Begin to deliver."""

    def stop(self, timeout_s: float) -> None:
        """Deliver no more and finish what is in hand, within ``timeout_s``; ``publish`` still works."""

    def trouble(self) -> str | None:
        """Why the bus is not ready, or None."""


def known(event_type: str) -> bool:
    """True if this type and major version is in the registry."""
    return event_type in EVENTS
