"""What the current work belongs to: trace, causing event, case. Carried in context variables, never in arguments."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
causation: ContextVar[str | None] = ContextVar("causation", default=None)


def new_traceparent(parent: str | None = None) -> str:
    """A W3C traceparent for a new span, in the trace of ``parent`` if that is well formed."""
    match = _TRACEPARENT.match(parent or "")
    trace_id = match.group(1) if match else secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


@contextmanager
def work(*, parent: str | None, cause: str | None = None, case_no: str | None = None) -> Iterator[str]:
    """Everything told or logged inside belongs to this trace, cause and case. Yields the new traceparent."""
    mine = new_traceparent(parent)
    tokens = traceparent.set(mine), causation.set(cause)
    with structlog.contextvars.bound_contextvars(trace_id=mine[3:35], **({"case_no": case_no} if case_no else {})):
        try:
            yield mine
        finally:
            traceparent.reset(tokens[0])
            causation.reset(tokens[1])
