"""A message's way through the departments' door, as a span where spans are kept: what goes on has the span as its parent."""

from __future__ import annotations

import msgspec

from chassis import trace
from contracts.envelope import Envelope, decode_envelope, encode

SERVICE = "bridge"


def into(department: str, envelope: Envelope, body: bytes) -> tuple[trace.Span | None, bytes]:
    """The span of a message to a department, and the message as it goes on."""
    return _move("in", department, envelope, body, at_door=False) if trace.keeping() else (None, body)


def out_of(department: str, body: bytes) -> tuple[trace.Span | None, bytes]:
    """The same of a department's stamped message."""
    return _move("out", department, decode_envelope(body), body, at_door=True) if trace.keeping() else (None, body)


def _move(
    direction: str, department: str, envelope: Envelope, body: bytes, *, at_door: bool
) -> tuple[trace.Span | None, bytes]:
    facts: dict[str, trace.Fact] = {
        "messaging.operation.type": "send",
        "messaging.destination.name": f"d.{department}" if direction == "in" else envelope.type,
        "messaging.message.id": envelope.id,
        "tongban.department": department,
    }
    name = f"{direction} {envelope.type}"
    span = trace.start_span(SERVICE, "producer", name, envelope.traceparent, facts, at_door=at_door)
    if span is None:
        return None, body
    return span, encode(msgspec.structs.replace(envelope, traceparent=span.traceparent))
