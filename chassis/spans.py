"""Makes spans and sends them to a collector (OTLP over HTTP): the only OpenTelemetry code. Loaded only where spans are kept.

The collector is never waited for. What it does not take in time is dropped and counted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from chassis import trace
from chassis.metrics import SPANS_DROPPED
from chassis.trace import Fact, Kind

MOST_WAITING = 8192
BATCH = 512
EVERY_S = 1.0
COLLECTOR_TIMEOUT_S = 3.0
FLUSH_S = 3.0
_TRACE_IDS = 1 << 64  # a share is taken of the lower half of trace ids

_KINDS = {
    "server": SpanKind.SERVER,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}


class Spans:
    """Spans of every service in this process. ``share`` of all traces are kept; ``bus`` is what messages travel on."""

    def __init__(self, url: str, share: float, *, bus: str, version: str) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # it warns of each attempt
        room = _Room(MOST_WAITING)
        self._exporter = _Counted(OTLPSpanExporter(endpoint=url, timeout=COLLECTOR_TIMEOUT_S), room)
        self._processor = _NeverFull(self._exporter, room)
        self._share, self._sampler = share, ParentBased(TraceIdRatioBased(share))
        self._bus, self._version = bus, version
        self._tracers: dict[str, Tracer] = {}

    def start_span(
        self, service: str, kind: Kind, name: str, parent: str | None, facts: Mapping[str, Fact], *, at_door: bool
    ) -> _Span:
        """See trace.Spans."""
        tracer = self._tracers.get(service) or self._tracer(service)
        if kind in ("producer", "consumer"):
            facts = {"messaging.system": self._bus, **facts}
        before = self._context(parent, at_door=at_door)
        context = None if before is None else set_span_in_context(NonRecordingSpan(before))
        return _Span(tracer.start_span(name, context, _KINDS[kind], facts))

    def stop(self) -> None:
        """See trace.Spans. A collector that does not answer is left behind."""
        flush = threading.Thread(target=self._processor.shutdown, name="spans-flush", daemon=True)
        flush.start()
        flush.join(FLUSH_S)
        if flush.is_alive():
            self._exporter.shutdown()

    def _tracer(self, service: str) -> Tracer:
        resource = Resource({"service.name": service, "service.namespace": "tongban", "service.version": self._version})
        provider = TracerProvider(sampler=self._sampler, resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        return self._tracers.setdefault(service, provider.get_tracer("tongban"))

    def _context(self, parent: str | None, *, at_door: bool) -> SpanContext | None:
        known = trace.ids(parent)
        if known is None or parent is None:
            return None
        trace_id, span_id, sampled = int(known[0], 16), int(known[1], 16), int(parent[-2:], 16) & TraceFlags.SAMPLED
        if at_door:
            sampled = (trace_id % _TRACE_IDS) < self._share * _TRACE_IDS
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        return SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)


class _Span:
    """See trace.Span."""

    __slots__ = ("_span", "led_on", "traceparent")

    def __init__(self, span: OtelSpan) -> None:
        self._span, self.led_on = span, False
        context = span.get_span_context()
        sampled = context.trace_flags & TraceFlags.SAMPLED
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{sampled:02x}"

    def note(self, facts: Mapping[str, Fact], name: str | None = None) -> None:
        """See trace.Span."""
        self._span.set_attributes(facts)
        if trace.ERROR in facts:
            self._span.set_status(Status(StatusCode.ERROR))
        if name is not None:
            self._span.update_name(name)

    def end(self, error: str | None = None) -> None:
        """See trace.Span."""
        if error is not None:
            self.note({trace.ERROR: error})
        self._span.end()


class _Room:
    """How many spans may wait. Safe for threads."""

    def __init__(self, most: int) -> None:
        self._lock, self._left = threading.Lock(), most

    def take(self) -> bool:
        """Room for one more, if there is any."""
        with self._lock:
            if self._left == 0:
                return False
            self._left -= 1
            return True

    def give(self, many: int) -> None:
        """So many wait no longer."""
        with self._lock:
            self._left += many


class _NeverFull(BatchSpanProcessor):
    """Drops the newest, and counts them, when too many wait; the library would drop the oldest and write of each in the log."""

    def __init__(self, exporter: SpanExporter, room: _Room) -> None:
        super().__init__(exporter, MOST_WAITING + BATCH, EVERY_S * 1000, BATCH)
        self._room = room

    def on_end(self, span: ReadableSpan) -> None:
        """Called by whoever ended the span."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        if self._room.take():
            super().on_end(span)
        else:
            SPANS_DROPPED.inc()


class _Counted(SpanExporter):
    """Counts what the collector did not take."""

    def __init__(self, exporter: SpanExporter, room: _Room) -> None:
        self._exporter, self._room = exporter, room

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Called by the processor's own thread."""
        self._room.give(len(spans))
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            SPANS_DROPPED.inc(len(spans))
        return result

    def shutdown(self) -> None:
        """Give up what is under way."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """See SpanExporter."""
        return self._exporter.force_flush(timeout_millis)
