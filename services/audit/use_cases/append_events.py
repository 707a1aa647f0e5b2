"""Append events to the ledger: one writer at a time, no gap in ``seq``, one transaction per batch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec
import rfc8785
import sqlalchemy as sa

from chassis.bus import Delivery
from chassis.db import Tx
from chassis.failpoints import failpoint
from contracts.case import CaseSubmitted
from contracts.envelope import Envelope, Event
from contracts.registry import UnknownEventType, read
from services.audit import queries
from services.audit.domain.leaf import actor_of, case_of, commitment, keeps_payload, leaf_of, utc
from services.audit.domain.merkle import leaf_hash
from services.audit.models import actors, case_parties, entries, log_head, nodes, openings

SALT_BYTES = 32
PSEUDONYM_BYTES = 16


def append_events(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Write an entry for each event that has none yet."""
    size = _lock_head(tx)
    known = queries.recorded(tx.connection, {d.envelope.id for d in deliveries})
    fresh = [(d.envelope, _event_of(d.envelope)) for d in deliveries if d.envelope.id not in known]
    if not fresh:
        return
    _write_entries(tx, size, fresh)
    tx.insert_new(case_parties, _parties(fresh), [case_parties.c.case_no])
    failpoint("ledger.append")
    tx.execute(sa.update(log_head).values(size=size + len(fresh)))


def _event_of(envelope: Envelope) -> Event | None:
    """The event inside, or None when it is of no known type or shape: the ledger records that too."""
    try:
        return read(envelope)
    except (UnknownEventType, msgspec.ValidationError):
        return None


def _lock_head(tx: Tx) -> int:
    """Size of the log. Until this transaction ends no other can append: the row is locked (SQLite has one writer)."""
    return int(tx.execute(sa.select(log_head.c.size).with_for_update()).scalar_one())


def _write_entries(tx: Tx, size: int, fresh: Sequence[tuple[Envelope, Event | None]]) -> None:
    edge = queries.edge_at(tx.connection, size)
    counts = queries.case_counts(tx.connection, {case for _, event in fresh if (case := case_of(event))})
    pseudonyms = _pseudonyms(tx, {actor for _, event in fresh if (actor := actor_of(event))})
    entry_rows, opening_rows, node_rows = [], [], []
    for seq, (envelope, event) in enumerate(fresh, start=size):
        case_ref = case_of(event)
        if case_ref is not None:
            counts[case_ref] = counts.get(case_ref, 0) + 1
        entry, opening = _entry(
            envelope, seq, case_ref, counts[case_ref] if case_ref else None, pseudonyms.get(actor_of(event) or "")
        )
        entry_rows.append(entry)
        opening_rows.append(opening)
        grown = edge.append(leaf_hash(entry["leaf"]))
        node_rows += [{"level": node.level, "position": node.position, "hash": value} for node, value in grown]
    tx.insert(entries, entry_rows)
    tx.insert(openings, opening_rows)
    tx.insert(nodes, node_rows)


def _entry(
    envelope: Envelope, seq: int, case_ref: str | None, case_entry: int | None, pseudonym: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rows of ``entries`` and ``openings``."""
    payload, salt = bytes(envelope.data), os.urandom(SALT_BYTES)
    leaf = leaf_of(
        envelope,
        seq=seq,
        case_ref=case_ref,
        case_entry=case_entry,
        actor_pseudonym=pseudonym,
        payload_commitment=commitment(salt, payload),
    )
    entry = {
        "seq": seq,
        "event_id": envelope.id,
        "type": envelope.type,
        "time": utc(envelope.time),
        "case_ref": case_ref,
        "case_entry": case_entry,
        "caseseq": envelope.caseseq,
        "leaf": rfc8785.dumps(leaf),
    }
    return entry, {"seq": seq, "salt": salt, "payload": payload if keeps_payload(envelope.type) else None}


def _pseudonyms(tx: Tx, people: set[str]) -> dict[str, str]:
    """A pseudonym for each person, new ones drawn at random: nothing can be computed back from them."""
    known = queries.pseudonyms_of(tx.connection, people)
    rows = [{"actor": p, "pseudonym": os.urandom(PSEUDONYM_BYTES).hex()} for p in sorted(people - known.keys())]
    if rows:
        tx.insert(actors, rows)
    return known | {row["actor"]: row["pseudonym"] for row in rows}


def _parties(fresh: Sequence[tuple[Envelope, Event | None]]) -> list[dict[str, str]]:
    """Whose each newly submitted case is."""
    submitted = {e.case_no: e.applicant_id for _, e in fresh if isinstance(e, CaseSubmitted)}
    return [{"case_no": case_no, "party": party} for case_no, party in sorted(submitted.items())]
