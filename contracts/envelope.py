"""CloudEvents 1.0 in structured JSON: the same bytes on every transport.

Source: CloudEvents 1.0.2, JSON event format. Extension attributes: ``caseseq`` (order within a case),
``causationid`` (the event that led to this one), ``traceparent`` (W3C Trace Context).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

import msgspec

CONTENT_TYPE = "application/cloudevents+json"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every fact. ``TYPE`` carries the major version; ``SUBJECT`` names the field that is the subject;
    ``PATIENCE_S`` is how long it may wait for others to travel with, because nobody waits for it.
    """

    TYPE: ClassVar[str] = ""
    SUBJECT: ClassVar[str | None] = "case_no"
    PATIENCE_S: ClassVar[float] = 0.0


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One CloudEvent. ``data`` stays undecoded until its type is looked up in the registry."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    time: datetime
    datacontenttype: Literal["application/json"]
    data: msgspec.Raw
    subject: str | None = None
    dataschema: str | None = None
    caseseq: int | None = None
    causationid: str | None = None
    traceparent: str | None = None


FOR_THE_RECORD_S = 0.2  # patience of what only the ledger, supervision and figures hear

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)


def encode(event: Any) -> bytes:
    """JSON bytes of an event or an envelope."""
    return _encoder.encode(event)


def decode_envelope(body: bytes) -> Envelope:
    """Envelope of ``body``. Raises msgspec.DecodeError (ValidationError for a wrong shape) on what is no CloudEvent."""
    return _decoder.decode(body)


def subject_of(event: Event) -> str | None:
    """The value that goes into the envelope's ``subject``."""
    return None if event.SUBJECT is None else str(getattr(event, event.SUBJECT))


def schema_address(event_type: str) -> str:
    """Value of ``dataschema``: a name, not a place to fetch from."""
    return f"urn:tongban:schema:{event_type}"


def seal(
    event: Event,
    *,
    event_id: str,
    source: str,
    time: datetime,
    caseseq: int | None = None,
    causationid: str | None = None,
    traceparent: str | None = None,
) -> Envelope:
    """Put ``event`` into its envelope."""
    return Envelope(
        specversion="1.0",
        id=event_id,
        source=source,
        type=event.TYPE,
        time=time,
        datacontenttype="application/json",
        data=msgspec.Raw(encode(event)),
        subject=subject_of(event),
        dataschema=schema_address(event.TYPE),
        caseseq=caseseq,
        causationid=causationid,
        traceparent=traceparent,
    )
