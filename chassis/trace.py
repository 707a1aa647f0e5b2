"""What the current work belongs to: trace, causing event, case. Carried in context variables, never in arguments.

A traceparent goes with every request and event whether or not spans are kept, so that log lines of one matter can be found
together. Spans are made only after ``keep_spans``; ``start_span`` gives None until then.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, Protocol

import structlog

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")

ERROR = "error.type"
"""The fact that makes a span one that failed: the class of an error, or a status."""
IDS = frozenset(
    {"appointment_id", "bundle_no", "case_no", "item_code", "licence_no", "material_id", "package_code", "task_id"}
)
"""What a span may name, as ``tongban.<name>``: never whose it is."""
Fact = str | int | float | bool
Kind = Literal["server", "producer", "consumer", "internal"]

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
causation: ContextVar[str | None] = ContextVar("causation", default=None)


class Span(Protocol):
    """A piece of work with a beginning and an end. ``traceparent`` is what goes with the requests and events it leads to;
    ``led_on``: something was given it. What is never ended is never kept.
    """

    traceparent: str
    led_on: bool

    def note(self, facts: Mapping[str, Fact], name: str | None = None) -> None:
        """Say more of it, and what it is called if that is known only now."""

    def end(self, error: str | None = None) -> None:
        """It is over; ``error``: see ERROR. Nothing a person wrote may be in it."""


class Spans(Protocol):
    """Where spans are made and sent from: ``chassis.spans``."""

    def start_span(
        self, service: str, kind: Kind, name: str, parent: str | None, facts: Mapping[str, Fact], *, at_door: bool
    ) -> Span:
        """A span in the trace of ``parent``, if that is well formed."""

    def stop(self) -> None:
        """Send what waits, within a few seconds."""


_spans: list[Spans] = []  # one, or none
_current: ContextVar[Span | None] = ContextVar("span", default=None)


def keep_spans(spans: Spans) -> None:
    """Make spans from now on."""
    _spans[:] = [spans]


def stop_spans() -> None:
    """Make no more, and send what waits."""
    while _spans:
        _spans.pop().stop()


def keeping() -> bool:
    """Whether spans are made: ask before gathering facts for one."""
    return bool(_spans)


def start_span(
    service: str,
    kind: Kind,
    name: str,
    parent: str | None,
    facts: Mapping[str, Fact] | None = None,
    *,
    at_door: bool = False,
) -> Span | None:
    """A span that the caller ends; None while none are kept. ``at_door``: ``parent`` is a stranger's, who has no say in
    whether the trace is kept.
    """
    return _spans[0].start_span(service, kind, name, parent, facts or {}, at_door=at_door) if _spans else None


def ids(text: str | None) -> tuple[str, str] | None:
    """Trace id and span id of a traceparent; None when it is not well formed."""
    match = _TRACEPARENT.match(text or "")
    return (match.group(1), match.group(2)) if match else None


def new_traceparent(parent: str | None = None) -> str:
    """A W3C traceparent for a new span, in the trace of ``parent`` if that is well formed."""
    match = _TRACEPARENT.match(parent or "")
    trace_id = match.group(1) if match else secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


@contextmanager
def work(
    *, parent: str | None, cause: str | None = None, case_no: str | None = None, span: Span | None = None
) -> Iterator[str]:
    """Everything told or logged inside belongs to this trace, cause and case. Yields its traceparent: that of ``span``; else a
    new one; where spans are kept ``parent`` itself, for nobody could find a span that was never made.
    """
    kept = parent if _spans and ids(parent) else None
    mine = span.traceparent if span is not None else kept or new_traceparent(parent)
    tokens = traceparent.set(mine), causation.set(cause), _current.set(span or _current.get())
    try:
        if case_no is None:
            yield mine
        else:
            with structlog.contextvars.bound_contextvars(case_no=case_no):
                yield mine
    finally:
        traceparent.reset(tokens[0])
        causation.reset(tokens[1])
        _current.reset(tokens[2])


@contextmanager
def errand(service: str, name: str) -> Iterator[None]:
    """Work that nobody asked for, such as a job's run. Its span is kept only if it led to something: most find nothing to do."""
    span = start_span(service, "internal", name, None)
    try:
        with work(parent=None, span=span):
            yield
    except Exception as error:
        if span is not None and span.led_on:
            span.end(type(error).__name__)
        raise
    if span is not None and span.led_on:
        span.end()


def lead_on() -> str | None:
    """The traceparent for an event told now."""
    if (span := _current.get()) is not None:
        span.led_on = True
    return traceparent.get()


def note(facts: Mapping[str, Fact], name: str | None = None) -> None:
    """Say more of the current span, if there is one."""
    if (span := _current.get()) is not None:
        span.note(facts, name)
