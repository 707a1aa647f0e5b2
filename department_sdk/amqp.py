"""A department over AMQP: its own virtual host, queue ``tasks`` in, exchange ``out`` out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from pika.adapters.select_connection import IOLoop

from contracts.envelope import CONTENT_TYPE, Event, decode_envelope, encode, seal
from contracts.registry import UnknownEventType, read
from contracts.task import TaskAssigned, TaskCancelled
from department_sdk.answers import Answer, event_id, stamped_id
from department_sdk.desk import Desk, Handler, Listener, Rejection, log_cancelled, log_refused
from department_sdk.errors import Stopped
from department_sdk.journal import Journal, default_path
from department_sdk.link import Delivery, Letter, Link, parameters_of

log = logging.getLogger(__name__)

RESEND_S = 0.5
STOP_TIMEOUT_S = 20.0


class AmqpDepartment:
    """One department system. ``url`` as ``amqps://police:secret@host``; the virtual host is ``d.<department>``.

    ``journal``: the file that remembers answers (default: in the user's data folder). ``workers`` tasks at once.
    """

    def __init__(self, url: str, department: str, *, journal: Path | None = None, workers: int = 16) -> None:
        self.department = department
        vhost = f"d.{department}"
        parameters = parameters_of(url, vhost)
        self._journal = Journal(journal or default_path(f"{department}@{parameters.host}_{parameters.port}"))
        self._desk = Desk(self._journal, self._send, workers=workers)
        self._ioloop = IOLoop()
        self._link = Link(self._ioloop, url, vhost, prefetch=workers * 2)
        self._ioloop.add_callback_threadsafe(self._link.open)
        self._lock = threading.Lock()
        self._unsent: set[Future[None]] = set()
        self._closed = False
        self._stop = threading.Event()
        self._crash: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"amqp-{vhost}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def serve(
        self,
        handler: Handler,
        *,
        on_cancelled: Callable[[TaskCancelled], None] = log_cancelled,
        on_refused: Callable[[Rejection], None] = log_refused,
    ) -> None:
        """Hand tasks to ``handler``, many at once, until ``stop``. The three functions run on worker threads."""
        self._desk.open(Listener(handler=handler, on_cancelled=on_cancelled, on_refused=on_refused))
        queues = {"tasks": self._on_task, "rejected": self._on_rejected}
        self._ioloop.add_callback_threadsafe(lambda: self._link.consume(queues))
        try:
            self._stop.wait()
        finally:
            self._desk.close(STOP_TIMEOUT_S)
            self.close()
        if self._crash is not None:
            raise self._crash

    def answer(self, task_id: str, answer: Answer) -> str:
        """Answer a task that the handler took over, or answer anew after a refusal. Returns the answer's id."""
        return self._desk.answer(task_id, answer)

    def publish(self, event: Event) -> str:
        """Tell a department's event; returns its id when the platform has it. Waits while it cannot be reached."""
        self._send(event, datetime.now(UTC), None)
        return event_id(event)

    def stop(self) -> None:
        """End ``serve`` after the tasks in hand."""
        self._stop.set()

    def close(self) -> None:
        """Disconnect. What waits to be sent ends with Stopped."""
        self._stop.set()
        with self._lock:
            self._closed = True
            unsent = list(self._unsent)
        for future in unsent:
            future.cancel()
        if self._thread.is_alive():
            self._ioloop.add_callback_threadsafe(self._disconnect)
            self._thread.join(STOP_TIMEOUT_S)
        self._journal.close()

    def trouble(self) -> str | None:
        """Why the platform cannot be reached, or None."""
        return self._link.trouble

    def _run(self) -> None:
        """Thread body. The link lives through every loss of connection; what ends it is a fault, and ``serve`` raises it."""
        try:
            self._ioloop.start()
        except Exception as error:  # noqa: BLE001 (the thread's edge: raised again by serve)
            self._crash = error
            self._stop.set()

    def _disconnect(self) -> None:
        self._link.close()
        if self._link.closed:
            self._ioloop.stop()
        else:
            self._ioloop.call_later(0.02, self._disconnect)

    def _send(self, event: Event, happened_at: datetime, traceparent: str | None) -> None:
        """Returns when the broker has confirmed the event. Raises Stopped."""
        own_id, source = event_id(event), f"department/{self.department}"
        body = encode(seal(event, event_id=own_id, source=source, time=happened_at, traceparent=traceparent))
        letter = Letter(exchange="out", routing_key=event.TYPE, body=body, message_id=own_id, content_type=CONTENT_TYPE)
        future: Future[None] = Future()
        with self._lock:
            if self._closed or self._crash is not None:
                raise Stopped
            self._unsent.add(future)
        self._ioloop.add_callback_threadsafe(lambda: self._dispatch(letter, future))
        try:
            future.result()
        except CancelledError as error:
            raise Stopped from error
        finally:
            with self._lock:
                self._unsent.discard(future)

    def _dispatch(self, letter: Letter, future: Future[None]) -> None:
        """On the link's thread: send until the broker has it. The id makes repetitions harmless."""

        def done(failure: str | None) -> None:
            if failure is None:
                with suppress(InvalidStateError):  # cancelled by close
                    future.set_result(None)
                return
            if failure != "disconnected":
                log.warning("event %s not taken (%s), sending again", letter.message_id, failure)
            self._ioloop.call_later(RESEND_S, lambda: self._dispatch(letter, future))

        if not future.cancelled():
            self._link.send(letter, done)

    def _on_task(self, delivery: Delivery) -> None:
        try:
            envelope = decode_envelope(delivery.body)
            event = read(envelope)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnknownEventType):
            log.exception("a task that this version cannot read")
            delivery.reject()
            return
        if isinstance(event, TaskAssigned):
            self._desk.take(event, self._settle(delivery), envelope.traceparent)
        elif isinstance(event, TaskCancelled):
            self._desk.cancel(event, self._settle(delivery))
        else:
            delivery.ack()

    def _on_rejected(self, delivery: Delivery) -> None:
        try:
            rejection = msgspec.json.decode(delivery.body, type=Rejection)
        except msgspec.DecodeError:
            log.exception("a rejection that this version cannot read")
            delivery.reject()
            return
        self._desk.refuse(rejection, self._settle(delivery), known_as=lambda own: stamped_id(self.department, own))

    def _settle(self, delivery: Delivery) -> Callable[[], None]:
        def settle() -> None:
            if self._thread.is_alive():
                self._ioloop.add_callback_threadsafe(delivery.ack)

        return settle
