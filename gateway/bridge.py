"""The door for departments: tasks from the core to each department's virtual host, answers back. Keeps no state.

A message is acknowledged where it came from after the broker has confirmed it where it went. So the bridge may be killed
at any point, and several may run at once: a message may be moved twice, under the same id, and is never lost.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import click
import msgspec
import structlog
from flask import Flask
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel

from chassis import clock, trace
from chassis import log as logs
from chassis.discovery import open_directory
from chassis.failpoints import failpoint
from chassis.health import Health
from chassis.loops import Loop
from chassis.run import at_exit, serve, settings_or_exit, show_process
from chassis.settings import Settings
from chassis.web import operator_routes
from contracts.envelope import CONTENT_TYPE, Envelope, decode_envelope
from contracts.registry import EVENTS
from contracts.task import OpinionRefused
from department_sdk.desk import Rejection
from department_sdk.link import Delivery, Letter, Link
from gateway import bridge_spans
from gateway.bridge_check import Admitted, admit
from gateway.broker_plan import DEPARTMENT_CODE, LOG_EXCHANGE, LOG_VHOST, REFUSALS_QUEUE, SERVICES, door_vhost
from gateway.metrics import BROKER_LOG_READ, MOVED
from gateway.refusals import PREFETCH, Refusals

log = structlog.get_logger()

CORE_EXCHANGE = "tongban.events"
QUEUE = "gateway.bridge"
AGAIN = "gateway.bridge.again"
"""A fanout of our own back into QUEUE: a message that cannot be delivered now goes behind those that can."""
QUEUE_ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-delivery-limit": 50,
    "x-dead-letter-exchange": "tongban.unreadable",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
FAMILIES = ("task.assigned", "task.cancelled", "task.opinion_refused")
REFUSED_FAMILY = OpinionRefused.TYPE.rsplit(".v", 1)[0]
CORE_PREFETCH = 512
DOOR_PREFETCH = 64
RETRY_S = 2.0
DOOR_EXPECTED = timedelta(minutes=1)
CLOSE_POLL_S = 0.02


class _Addressed(msgspec.Struct):
    """What the bridge needs of any event for a department, in any major version."""

    department: str


class Bridge:
    """All links on one thread. ``url`` is the core's; the departments' virtual hosts are on the same broker."""

    def __init__(self, url: str, departments: Sequence[str]) -> None:
        self._url, self._departments = url, tuple(departments)
        self._core_vhost = unquote(urlsplit(url).path[1:]) or "/"
        self._log: Link | None = None
        self._links: dict[str, Link] = {}  # by virtual host
        self._ioloop: IOLoop | None = None
        self._loop = Loop("bridge", self._life)
        self.health = Health()
        self.health.add(self._core_vhost, lambda: self._trouble(self._core_vhost))
        self._watch_doors()

    def start(self) -> None:
        """Begin to move messages."""
        self._loop.start()

    def stop(self, timeout_s: float) -> None:
        """Close every link; what is under way is moved again by the next bridge."""
        self._loop.stop()
        if (ioloop := self._ioloop) is not None:
            ioloop.add_callback_threadsafe(self._close)
        if self._loop.ident is not None:
            self._loop.join(timeout_s)

    def serve(self, departments: Sequence[str]) -> None:
        """Serve these departments from now on: close every link, and begin anew with theirs."""
        if tuple(departments) == self._departments:
            return
        for code in set(self._departments) - set(departments):
            self.health.remove(door_vhost(code))
        self._departments = tuple(departments)
        self._watch_doors()
        if (ioloop := self._ioloop) is not None:
            ioloop.add_callback_threadsafe(self._close)

    def _watch_doors(self) -> None:
        for vhost in map(door_vhost, self._departments):
            self.health.add(vhost, lambda vhost=vhost: self._trouble(vhost))  # type: ignore[misc]

    def _all_links(self) -> list[Link]:
        """The log's too, which is of no use to departments: their work goes on without it."""
        return [*self._links.values(), *filter(None, [self._log])]

    def _trouble(self, vhost: str) -> str | None:
        link = self._links.get(vhost)
        return link.trouble if link else "not started"

    @property
    def _core(self) -> Link:
        return self._links[self._core_vhost]

    def _life(self) -> float:
        """Run until stopped. A fault ends it with an exception, and the loop begins a new life with new links."""
        ioloop = IOLoop()
        core = Link(ioloop, self._url, self._core_vhost, prefetch=CORE_PREFETCH, declare=declare_queue)
        core.consume({QUEUE: self._from_core})
        self._links = {self._core_vhost: core}
        refusals = Refusals({*SERVICES, *self._departments})
        self._log = Link(ioloop, self._url, LOG_VHOST, prefetch=PREFETCH, declare=declare_window)
        self._log.consume({REFUSALS_QUEUE: refusals.take})
        BROKER_LOG_READ.set_function(lambda: float(self._log is not None and self._log.trouble is None))
        for code in self._departments:
            vhost = door_vhost(code)
            door = self._links[vhost] = Link(ioloop, self._url, vhost, prefetch=DOOR_PREFETCH)
            door.consume({"answers": lambda delivery, code=code: self._from_department(code, delivery)})  # type: ignore[misc]
        for link in self._all_links():
            link.open()
        self._ioloop = ioloop
        if self._loop.stopping.is_set():
            ioloop.call_later(0, self._close)
        try:
            ioloop.start()
        except Exception:
            # Close what is open, so that the broker takes back now what this life held.
            ioloop.call_later(0, self._close)
            ioloop.start()
            raise
        finally:
            self._ioloop = None
            ioloop.close()
        return 0.0

    def _close(self) -> None:
        if self._ioloop is None:
            return
        for link in self._all_links():
            link.close()
        if all(link.closed for link in self._all_links()):
            self._ioloop.stop()
        else:
            self._ioloop.call_later(CLOSE_POLL_S, self._close)

    def _from_core(self, delivery: Delivery) -> None:
        try:
            envelope = decode_envelope(delivery.body)
            department = msgspec.json.decode(envelope.data, type=_Addressed).department
            span, body = bridge_spans.into(department, envelope, delivery.body)
            letter = letter_to_department(envelope, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            log.exception("bridge_unreadable")
            delivery.reject()
            return
        if not self._from_owner(envelope, delivery):
            MOVED.labels("", "in", "sender_refused").inc()
            log.error("bridge_sender_refused", sender=delivery.sender, type=envelope.type, event_id=envelope.id)
            delivery.reject()
            return
        door = self._links.get(door_vhost(department)) if department in self._departments else None
        if door is None:
            self._without_door(department, envelope, delivery)
        else:
            self._send(door, letter, delivery, (department, "in"), postponed=envelope, span=span)

    def _without_door(self, department: str, envelope: Envelope, delivery: Delivery) -> None:
        """It may be about to be served; until then its messages wait. A department that works over HTTPS finds its tasks there,
        and workflow tells again what nobody acknowledged, so what has waited long enough is let go.
        """
        if clock.now() - envelope.time < DOOR_EXPECTED:
            log.info("bridge_without_door", department=department, type=envelope.type)
            self._postpone(department, envelope, delivery, "held")
        else:
            MOVED.labels("", "in", "no_door").inc()
            delivery.ack()

    def _from_owner(self, envelope: Envelope, delivery: Delivery) -> bool:
        """Told by the service that owns the type, or put back by a bridge."""
        family = envelope.type.rsplit(".v", 1)[0]
        owners = {spec.owner for name, spec in EVENTS.items() if name.rsplit(".v", 1)[0] == family}
        return delivery.sender == self._core.user or delivery.sender in owners

    def _from_department(self, code: str, delivery: Delivery) -> None:
        match admit(code, delivery.sender, delivery.body):
            case Admitted(event_id, event_type, body):
                span, body = bridge_spans.out_of(code, body)
                letter = Letter(CORE_EXCHANGE, event_type, body, event_id, CONTENT_TYPE)
                self._send(self._core, letter, delivery, (code, "out"), span=span)
            case Rejection() as rejection:
                log.warning("bridge_rejected", department=code, code=rejection.code, detail=rejection.detail)
                self._send(self._links[door_vhost(code)], letter_of_rejection(rejection), delivery, (code, "rejected"))

    def _send(
        self,
        link: Link,
        letter: Letter,
        delivery: Delivery,
        way: tuple[str, str],
        *,
        postponed: Envelope | None = None,
        span: trace.Span | None = None,
    ) -> None:
        """Confirm before ack. What the other side does not take is put back (``postponed``), or tried again from here. ``span``
        is kept of what was moved.
        """

        def done(failure: str | None) -> None:
            MOVED.labels(*way, failure or "moved").inc()
            if failure is None:
                failpoint("bridge.before_ack")
                delivery.ack()
                if span is not None:
                    span.end()
            elif postponed is not None:
                self._postpone(way[0], postponed, delivery)
            elif delivery.alive:
                self._later(lambda: self._send(link, letter, delivery, way, span=span))

        if delivery.alive:
            failpoint("bridge.before_publish")
            link.send(letter, done)

    def _postpone(self, department: str, envelope: Envelope, delivery: Delivery, how: str = "again") -> None:
        """After a pause, to the end of the queue: a department that cannot be reached holds up no other."""
        letter = Letter(AGAIN, envelope.type, delivery.body, envelope.id, CONTENT_TYPE)
        self._later(lambda: self._send(self._core, letter, delivery, (department, how)))

    def _later(self, step: Callable[[], None]) -> None:
        assert self._ioloop is not None
        self._ioloop.call_later(RETRY_S, step)


def declare_queue(channel: Channel) -> None:
    """The bridge's queue in the core, of the same make as every subscription's. What all share is ``gateway.provision``'s."""
    channel.exchange_declare(AGAIN, "fanout", durable=True)
    channel.queue_declare(QUEUE, durable=True, arguments=QUEUE_ARGUMENTS)
    channel.queue_bind(QUEUE, AGAIN)
    for family in FAMILIES:
        channel.queue_bind(QUEUE, CORE_EXCHANGE, f"{family}.*")


def declare_window(channel: Channel) -> None:
    """A queue with the last errors of the broker's log."""
    channel.queue_declare(REFUSALS_QUEUE, durable=True, arguments={"x-max-length": 1000})
    channel.queue_bind(REFUSALS_QUEUE, LOG_EXCHANGE, "error")


def letter_to_department(envelope: Envelope, body: bytes) -> Letter:
    """Tasks and cancellations ring at ``tasks`` as they are; a refused answer becomes a rejection."""
    if envelope.type.rsplit(".v", 1)[0] != REFUSED_FAMILY:
        return Letter("", "tasks", body, envelope.id, CONTENT_TYPE)
    refused = msgspec.json.decode(envelope.data, type=OpinionRefused)
    return letter_of_rejection(
        Rejection(code=refused.code, detail=refused.detail, task_id=refused.task_id, answer_id=refused.opinion_id)
    )


def letter_of_rejection(rejection: Rejection) -> Letter:
    """To the department's ``rejected`` queue, as plain JSON."""
    return Letter("", "rejected", msgspec.json.encode(rejection), rejection.answer_id or "", "application/json")


def departments_or_exit(settings: Settings) -> tuple[str, ...]:
    """Department codes of the settings, or exit status 2 with a sentence."""
    codes = codes_in(",".join(settings.departments))
    if not codes:
        click.echo("设置有误 / settings are wrong: TONGBAN_DEPARTMENTS: department codes separated by commas", err=True)
        sys.exit(2)
    return codes


def codes_in(text: str) -> tuple[str, ...]:
    """Department codes, separated by commas; none when one of them is none."""
    codes = tuple(code.strip() for code in text.split(",") if code.strip())
    return codes if all(re.fullmatch(DEPARTMENT_CODE, code) for code in codes) else ()


class Changes:
    """Applies settings that changed while the bridge runs: its level of logging and its departments."""

    def __init__(self, bridge: Bridge, log_level: str, departments: Sequence[str]) -> None:
        self._bridge, self._log_level, self._departments = bridge, log_level, departments

    def apply(self, values: Mapping[str, str]) -> None:
        """Go by ``values``, and by the settings from the start where there is none. What makes no sense changes nothing."""
        logs.follow_level(values, self._log_level)
        if "departments" not in values:
            self._bridge.serve(self._departments)
        elif codes := codes_in(values["departments"]):
            self._bridge.serve(codes)
        else:
            log.error("settings_make_no_sense", departments=values["departments"])


def main() -> None:
    """Serve until SIGTERM; health and metrics at TONGBAN_OPS_ADDRESS."""
    settings = settings_or_exit("gateway")
    departments = departments_or_exit(settings)
    if settings.embedded:
        click.echo("设置有误 / settings are wrong: TONGBAN_BUS_URL: the bridge needs amqp:// or amqps://", err=True)
        sys.exit(2)

    def load() -> Flask:
        logs.configure("gateway", settings.log_level)
        show_process(settings, "bridge")
        bridge = Bridge(settings.bus_url, departments)
        app = Flask("bridge", static_folder=None)
        app.register_blueprint(operator_routes(bridge))
        bridge.start()
        at_exit(lambda: bridge.stop(settings.stop_timeout_s))
        open_directory(settings).follow(Changes(bridge, settings.log_level, departments).apply)
        return app

    serve(load, settings, settings.ops_address)


if __name__ == "__main__":
    main()
