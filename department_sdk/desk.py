"""Where tasks are worked on: threads, the journal, and the one way from a task to its confirmed answer."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime

import msgspec

from contracts.envelope import Event
from contracts.task import TaskCancelled, TaskReceived
from department_sdk.answers import Answer, Task, event_id
from department_sdk.errors import Refused, Stopped, backoff_s
from department_sdk.journal import Journal

log = logging.getLogger(__name__)

Handler = Callable[[Task], Answer | None]
"""Answers a task, within minutes. None: the department has stored the task and will call ``answer`` later."""

Settle = Callable[[], None]
Send = Callable[[Event, datetime, str | None], None]
"""Delivers an event, with the time it happened and the trace it belongs to; returns when the platform has it."""


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Something this department sent does not count. ``original`` is the beginning of what was not understood."""

    code: str
    detail: str
    task_id: str | None = None
    answer_id: str | None = None
    original: str | None = None


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """The functions of a department system."""

    handler: Handler
    on_cancelled: Callable[[TaskCancelled], None]
    on_refused: Callable[[Rejection], None]


def log_cancelled(cancelled: TaskCancelled) -> None:
    """What is done with a cancellation that nobody listens to."""
    log.info("task %s cancelled: %s", cancelled.task_id, cancelled.reason)


def log_refused(rejection: Rejection) -> None:
    """What is done with a rejection that nobody listens to."""
    log.error("refused: %s %s (task %s)", rejection.code, rejection.detail, rejection.task_id)


class Desk:
    """Carries the trace of each task on into what is sent of it."""

    def __init__(self, journal: Journal, send: Send, *, workers: int) -> None:
        self._journal, self._send, self._workers = journal, send, workers
        self._listener: Listener | None = None
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._in_hand: dict[str, list[Settle]] = {}
        self._failures: dict[str, int] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def open(self, listener: Listener) -> None:
        """Start working, first on what an earlier process has left."""
        self._listener = listener
        for number in range(self._workers):
            thread = threading.Thread(target=self._work, name=f"department-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        for task in self._journal.open_tasks():
            self.take(task, lambda: None)

    def close(self, timeout_s: float) -> None:
        """Finish the tasks in hand within ``timeout_s``; the others will come again."""
        self._stopping.set()
        for _thread in self._threads:
            self._jobs.put(None)
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def take(self, task: Task, settle: Settle, traceparent: str | None = None) -> bool:
        """Work on a task; ``settle`` is called when it needs no more deliveries. False when it is already in hand."""
        with self._lock:
            settles = self._in_hand.get(task.task_id)
            if settles is not None:
                settles.append(settle)
                return False
            self._in_hand[task.task_id] = [settle]
        self._jobs.put(lambda: self._attempt(task, traceparent))
        return True

    def cancel(self, cancelled: TaskCancelled, settle: Settle) -> None:
        """The task needs no answer any more."""

        def job() -> None:
            self._journal.mark(cancelled.task_id, "cancelled")
            self._tell(lambda listener: listener.on_cancelled(cancelled))
            settle()

        self._jobs.put(job)

    def refuse(self, rejection: Rejection, settle: Settle, *, known_as: Callable[[str], str]) -> None:
        """Something did not count. ``known_as``: what the platform makes of the id of an answer."""

        def job() -> None:
            entry = self._journal.find(rejection.task_id) if rejection.task_id else None
            if entry and entry.opinion and known_as(event_id(entry.opinion)) == rejection.answer_id:
                self._journal.mark(entry.opinion.task_id, "refused")
            self._tell(lambda listener: listener.on_refused(rejection))
            settle()

        self._jobs.put(job)

    def answer(self, task_id: str, answer: Answer) -> str:
        """Give an answer, or another one after a refusal; returns its id. Raises Refused if told so at once."""
        entry = self._journal.answer(answer.to(task_id))
        assert entry.opinion is not None
        assert entry.answered_at is not None
        self._send(entry.opinion, entry.answered_at, entry.traceparent)
        return event_id(entry.opinion)

    def has(self, task_id: str) -> bool:
        """True when a task that is offered again needs nothing: in hand, taken over, refused or cancelled."""
        with self._lock:
            if task_id in self._in_hand:
                return True
        entry = self._journal.find(task_id)
        return entry is not None and entry.state in {"deferred", "refused", "cancelled"}

    def in_hand(self) -> list[str]:
        """Ids of the tasks being worked on."""
        with self._lock:
            return sorted(self._in_hand)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not self._stopping.is_set():
                job()

    def _tell(self, told: Callable[[Listener], None]) -> None:
        assert self._listener is not None
        try:
            told(self._listener)
        except Exception:
            log.exception("a listener failed")

    def _attempt(self, task: Task, traceparent: str | None = None) -> None:
        try:
            self._handle(task, traceparent)
        except Stopped:
            self._let_go(task)
        except Exception:
            log.exception("task %s failed", task.task_id)
            self._try_again(task)

    def _handle(self, task: Task, traceparent: str | None) -> None:
        entry = self._journal.keep(task, traceparent)
        try:
            if entry.state != "cancelled":
                self._send(TaskReceived(task_id=task.task_id), entry.kept_at, entry.traceparent)
            if entry.state == "open":
                self._decide(task)
            elif entry.state == "answered" and entry.opinion and entry.answered_at:
                self._send(entry.opinion, entry.answered_at, entry.traceparent)
        except Refused as refused:
            if refused.about_caller:
                raise
            self._told_no(task, refused)
        for settle in self._let_go(task):
            settle()

    def _decide(self, task: Task) -> None:
        assert self._listener is not None
        given = self._listener.handler(task)
        entry = self._journal.find(task.task_id)
        if entry is None or entry.state != "open":
            return  # cancelled, or answered by another thread meanwhile
        if given is None:
            self._journal.mark(task.task_id, "deferred")
        else:
            self.answer(task.task_id, given)

    def _told_no(self, task: Task, refused: Refused) -> None:
        entry = self._journal.find(task.task_id)
        answer_id = event_id(entry.opinion) if entry and entry.opinion else None
        self._journal.mark(task.task_id, "refused")
        rejection = Rejection(code=refused.code, detail=refused.detail, task_id=task.task_id, answer_id=answer_id)
        self._tell(lambda listener: listener.on_refused(rejection))

    def _let_go(self, task: Task) -> list[Settle]:
        with self._lock:
            self._failures.pop(task.task_id, None)
            return self._in_hand.pop(task.task_id, [])

    def _try_again(self, task: Task) -> None:
        """The journal holds the task, so its delivery may be settled: a task that fails blocks no other."""
        with self._lock:
            attempt = self._failures[task.task_id] = self._failures.get(task.task_id, 0) + 1
            settles, self._in_hand[task.task_id] = self._in_hand.get(task.task_id, []), []
        for settle in settles:
            settle()
        timer = threading.Timer(backoff_s(attempt), self._jobs.put, (lambda: self._attempt(task),))
        timer.daemon = True
        timer.start()
