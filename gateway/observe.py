"""What is known of one request through the door: its ids, its metrics, its line in the access log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from chassis import trace
from gateway.gates import Seat
from gateway.headers import REQUEST_ID
from gateway.metrics import IN_FLIGHT, REFUSED, REQUESTS, SECONDS

READS = frozenset({"GET", "HEAD"})
_UNTRACED = frozenset({"/health/live", "/health/ready", "/metrics"})


def access_log(level: str) -> Any:
    """A logger that writes a JSON line in a few microseconds (the house's full chain costs as much as the proxying)."""
    return structlog.wrap_logger(
        structlog.BytesLogger(sys.stderr.buffer),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=lambda line, **_: msgspec.json.encode(line)),
        ],
    )


class Exchange:
    """One request and its answer. Keeps a well-formed request id and the trace of the caller, else makes new ones."""

    def __init__(self, environ: dict[str, Any], log: Any) -> None:
        self._log, self._started, self._ended = log, time.perf_counter(), False
        parent = environ.get("HTTP_TRACEPARENT")
        self._span = trace.start_span("gateway", "server", "request", parent, at_door=True)
        self.traceparent = self._span.traceparent if self._span else trace.new_traceparent(parent)
        inbound = environ.get("HTTP_X_REQUEST_ID", "")
        self.request_id = inbound if REQUEST_ID.fullmatch(inbound) else self.traceparent[3:35]
        self.method, self.path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        self.client: str = environ.get("REMOTE_ADDR", "")
        self.peer = self.client  # the other end of the connection, which may be a proxy's
        self.service, self.subject, self.code = "gateway", "", ""
        self.route = ""  # the prefix by which the request was sent on
        self.kind = "read" if self.method in READS else "write"  # or what is meant to take long: "wait", "stream"
        self.limits: list[tuple[str, str]] = []
        self.seat: Seat | None = None
        self._held: list[Callable[[], None]] = []
        IN_FLIGHT.inc()

    @property
    def trace_id(self) -> str:
        """The trace this request belongs to."""
        return self.traceparent[3:35]

    def refused(self, code: str) -> None:
        """The gateway answers itself."""
        self.code = code
        REFUSED.labels(self.service, code).inc()

    def holds(self, let_go: Callable[[], None]) -> None:
        """Call ``let_go`` at the end."""
        self._held.append(let_go)

    def end(self, status: str, sent_bytes: int, broken: str = "") -> None:
        """The last byte is out, or the answer broke off (``broken`` says how). Only the first call counts."""
        if self._ended:
            return
        self._ended = True
        for let_go in self._held:
            let_go()
        seconds = time.perf_counter() - self._started
        IN_FLIGHT.dec()
        REQUESTS.labels(self.service, self.method, status[:3]).inc()
        SECONDS.labels(self.service, self.kind).observe(seconds)
        if self._span is not None and self.path not in _UNTRACED:
            self._end_span(int(status[:3]))
        facts = {"subject": self.subject, "code": self.code, "broken": broken}
        self._log.info(
            "request",
            service="gateway",
            upstream=self.service,
            method=self.method,
            path=self.path.encode("latin-1", "replace").decode("utf-8", "replace"),
            status=int(status[:3]),
            ms=round(seconds * 1000, 2),
            sent_bytes=sent_bytes,
            client=self.client,
            request_id=self.request_id,
            trace_id=self.trace_id,
            span_id=self.traceparent[36:52],
            **{name: fact for name, fact in facts.items() if fact},
        )

    def _end_span(self, status: int) -> None:
        """Paths name people, so a span says the route alone."""
        assert self._span is not None
        route = self.route or self.service
        facts: dict[str, trace.Fact] = {
            "http.request.method": self.method,
            "http.route": route,
            "http.response.status_code": status,
        }
        self._span.note(facts, f"{self.method} {route}")
        self._span.end((self.code or str(status)) if status >= 500 else None)
