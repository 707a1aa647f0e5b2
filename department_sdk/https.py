"""A department over HTTPS: the same calls as over AMQP, for systems that speak no AMQP."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from contracts.case import CaseMaterial
from contracts.envelope import Event
from contracts.task import OpinionGiven, TaskCancelled, TaskReceived
from department_sdk.answers import Answer, Task, event_id
from department_sdk.desk import Desk, Handler, Listener, Rejection, log_cancelled, log_refused
from department_sdk.errors import Damaged, Stopped
from department_sdk.http_client import HttpClient
from department_sdk.journal import Journal, default_path

POLL_WAIT_S = 20
NOTHING_NEW_S = 1.0
MOST_KNOWN = 100  # task ids in one address, which stays below 8,000 characters
STOP_TIMEOUT_S = 20.0
CHUNK_BYTES = 1 << 16


class _TaskList(msgspec.Struct):
    tasks: list[Task]


class _Told(msgspec.Struct):
    traceparent: str | None = None


class _TracesOfTasks(msgspec.Struct):
    """What the same list says beside the tasks."""

    tasks: list[_Told]


class HttpsDepartment:
    """One department system. ``base_url`` is the platform's address, ``ca_file`` a private certificate authority.

    ``journal``: the file that remembers answers (default: in the user's data folder). ``workers`` tasks at once.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        ca_file: Path | None = None,
        *,
        journal: Path | None = None,
        workers: int = 16,
    ) -> None:
        place = urlsplit(base_url)
        self._journal = Journal(journal or default_path(f"{client_id}@{place.hostname}_{place.port or place.scheme}"))
        self._client = HttpClient(base_url, client_id, client_secret, ca_file, connections=workers + 2)
        self._desk = Desk(self._journal, self._send, workers=workers)
        self._stop = threading.Event()
        self._listed: list[str] = []

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
        """Hand tasks to ``handler``, many at once, until ``stop``. Raises Refused when the credentials are refused.

        Over HTTPS a cancelled task is no longer listed and an answer to it is refused; ``on_cancelled`` is not called.
        """
        self._desk.open(Listener(handler=handler, on_cancelled=on_cancelled, on_refused=on_refused))
        try:
            while not self._stop.is_set():
                self._poll()
        except Stopped:
            pass
        finally:
            self._desk.close(STOP_TIMEOUT_S)
            self.close()

    def answer(self, task_id: str, answer: Answer) -> str:
        """Answer a task that the handler took over, or answer anew after a refusal. Returns its id. Raises Refused."""
        return self._desk.answer(task_id, answer)

    def publish(self, event: Event) -> str:
        """Tell a department's event; returns its id when the platform has it. Waits while it cannot be reached."""
        self._send(event, datetime.now(UTC), None)
        return event_id(event)

    def download_material(self, material: CaseMaterial, target: BinaryIO) -> None:
        """Write a material's bytes to ``target`` as they come. Raises Damaged if they are not the ones handed in."""
        response = self._client.call("GET", f"/api/v1/materials/{quote(material.material_id, safe='')}", stream=True)
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in response.stream(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        finally:
            response.release_conn()
        if size != material.size_bytes or digest.hexdigest() != material.sha256:
            raise Damaged(material.material_id)

    def stop(self) -> None:
        """End ``serve`` after the poll and the tasks in hand."""
        self._stop.set()

    def close(self) -> None:
        """End what waits with Stopped."""
        self._stop.set()
        self._client.stopping.set()
        self._journal.close()

    def _poll(self) -> None:
        """One long poll, which ends early when there is a task that is not among the ``known``."""
        asked_at = time.monotonic()
        known = [task_id for task_id in self._listed if self._desk.has(task_id)][-MOST_KNOWN:]
        query = urlencode({"wait_s": POLL_WAIT_S, "known": ",".join(known)})
        answer = self._client.call("GET", f"/api/v1/tasks?{query}").data
        offered = msgspec.json.decode(answer, type=_TaskList).tasks
        traces = msgspec.json.decode(answer, type=_TracesOfTasks).tasks
        self._listed = known + [task.task_id for task in offered]
        pairs = zip(offered, traces, strict=True)
        fresh = [(task, told.traceparent) for task, told in pairs if not self._desk.has(task.task_id)]
        for task, traceparent in fresh:
            self._desk.take(task, lambda: None, traceparent)
        if not fresh and time.monotonic() - asked_at < NOTHING_NEW_S:
            self._stop.wait(NOTHING_NEW_S)

    def _send(self, event: Event, _happened_at: datetime, traceparent: str | None) -> None:
        """Returns when the platform has it. Raises Refused, Stopped."""
        if isinstance(event, TaskReceived):
            address, fields = f"/api/v1/tasks/{quote(event.task_id)}/receipt", {}
        elif isinstance(event, OpinionGiven):
            address, fields = f"/api/v1/tasks/{quote(event.task_id)}/opinion", msgspec.to_builtins(event)
            del fields["task_id"]
        else:
            raise TypeError(f"{event.TYPE} cannot be told over HTTPS")
        self._client.post(address, fields, idempotency_key=event_id(event), traceparent=traceparent)
