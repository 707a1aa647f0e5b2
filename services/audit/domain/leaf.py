"""What one event leaves in the ledger. Personal data is never in it: the payload is there as a salted commitment."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from contracts.administration import AdministrationActed
from contracts.case import CaseApproved, CaseCorrected, CaseDenied, CaseSubmitted, CaseSupplemented, CaseWithdrawn
from contracts.envelope import Envelope, Event, subject_of
from contracts.registry import EVENTS
from contracts.task import OpinionGiven

VERSION = 1

_ACTORS: dict[type[Event], str] = {
    CaseSubmitted: "submitted_by",
    CaseCorrected: "by",
    CaseWithdrawn: "by",
    CaseSupplemented: "by",
    CaseApproved: "decided_by",
    CaseDenied: "decided_by",
    OpinionGiven: "officer",
    AdministrationActed: "by",
}


def keeps_payload(event_type: str) -> bool:
    """False for what names a person, and for what we do not know."""
    spec = EVENTS.get(event_type)
    return spec is not None and not spec.personal


def commitment(salt: bytes, payload: bytes) -> str:
    """HMAC-SHA256 in hex. Without the salt (32 random bytes) nobody can try out likely payloads."""
    return hmac.digest(salt, payload, hashlib.sha256).hex()


def case_of(event: Event | None) -> str | None:
    """The case that an event belongs to. A task's number begins with its case's, up to the first hyphen."""
    if event is None or event.SUBJECT not in {"case_no", "task_id"}:
        return None
    return (subject_of(event) or "").partition("-")[0] or None


def actor_of(event: Event | None) -> str | None:
    """The person who acted, where the event says so."""
    field = _ACTORS.get(type(event)) if event is not None else None
    return getattr(event, field) if field else None


def utc(time: datetime) -> datetime:
    """Aware UTC; a time without zone is taken for UTC, since the ledger refuses nothing."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def timestamp(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as it stands in leaves."""
    return utc(time).isoformat(timespec="microseconds").replace("+00:00", "Z")


def leaf_of(
    envelope: Envelope,
    *,
    seq: int,
    case_ref: str | None,
    case_entry: int | None,
    actor_pseudonym: str | None,
    payload_commitment: str,
) -> dict[str, Any]:
    """The entry before canonicalisation. ``case_entry`` counts the case's entries from 1, so that a missing one shows."""
    leaf: dict[str, Any] = {
        "v": VERSION,
        "seq": seq,
        "time": timestamp(envelope.time),
        "event_id": envelope.id,
        "type": envelope.type,
        "producer": envelope.source,
        "case_ref": case_ref,
        "payload_commitment": payload_commitment,
    }
    optional = {"case_entry": case_entry, "caseseq": envelope.caseseq, "actor_pseudonym": actor_pseudonym}
    return leaf | {name: value for name, value in optional.items() if value is not None}
