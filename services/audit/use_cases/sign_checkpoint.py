"""Sign the head of the log, after reading back and hashing again everything that is new since the last signature."""

from __future__ import annotations

import json
from typing import Any

import structlog

from chassis.db import Tx
from chassis.errors import Refusal
from chassis.failpoints import failpoint
from services.audit import queries
from services.audit.adapters.ledger_key import KEY
from services.audit.adapters.metrics import LEDGER_ENTRIES, LEDGER_TAMPERED
from services.audit.domain.leaf import commitment, timestamp
from services.audit.domain.merkle import Edge, Node, Span, leaf_hash
from services.audit.domain.notes import checkpoint_text
from services.audit.models import checkpoints

log = structlog.get_logger()

SLICE = 1_000  # entries read back at a time


def sign_checkpoint(tx: Tx) -> bool:
    """Sign the tree if it has grown; False if it has not.

    Raises Refusal ``ledger_tampered``, with an alarm, when what is stored is not what was written. Entries below the
    size of the head never change, so no lock is needed: two processes that sign at once sign the same.
    """
    size = queries.ledger_size(tx.connection)
    last = queries.latest_checkpoint(tx.connection)
    if last is not None and last.size == size:
        return False
    edge = _edge_of(tx, last, size)
    while edge.size < size:
        _check_slice(tx, edge, Span(edge.size, min(size, edge.size + SLICE)))
    note = KEY.sign(checkpoint_text(KEY.origin, size, edge.root()))
    failpoint("ledger.sign")
    row = {"size": size, "root": edge.root(), "note": note, "signed_at": tx.now}
    tx.insert_new(checkpoints, [row], [checkpoints.c.size])
    LEDGER_ENTRIES.set(size)
    LEDGER_TAMPERED.set(0)
    return True


def _edge_of(tx: Tx, last: Any | None, size: int) -> Edge:
    """The tree as it was signed last: our signature, the stored root and the stored hashes must agree."""
    if last is None:
        return Edge(0, [])
    if last.size > size:
        raise _tampered(size, "the log is shorter than its last checkpoint")
    if not KEY.signed(last.note, checkpoint_text(KEY.origin, last.size, last.root)):
        raise _tampered(last.size, "the last checkpoint does not carry this log's signature")
    try:
        edge = queries.edge_at(tx.connection, last.size)
    except KeyError:
        raise _tampered(last.size, "a hash of the signed tree is missing") from None
    if edge.root() != last.root:
        raise _tampered(last.size, "the stored hashes are not those of the last checkpoint")
    return edge


def _check_slice(tx: Tx, edge: Edge, span: Span) -> None:
    """Hash the stored entries of ``span`` again into ``edge`` and compare with every stored hash."""
    grown: dict[Node, bytes] = {}
    rows = queries.entries_between(tx.connection, span)
    for seq, row in zip(range(span.start, span.end), rows, strict=False):
        if row.seq != seq:
            raise _tampered(seq, "an entry is missing")
        grown.update(edge.append(leaf_hash(row.leaf)))
    if edge.size != span.end:
        raise _tampered(edge.size, "an entry is missing")
    stored = queries.hashes_of(tx.connection, grown)
    for node, value in grown.items():
        if stored.get(node) != value:
            raise _tampered(node.position << node.level, "an entry does not match its hash")
    for row in rows:
        if difference := _difference(row):
            raise _tampered(row.seq, difference)


def _difference(row: Any) -> str | None:
    """What of a stored entry contradicts its leaf, if anything. An erased opening is no contradiction."""
    leaf = json.loads(row.leaf)
    for column in ("seq", "event_id", "type", "case_ref", "case_entry", "caseseq"):
        if leaf.get(column) != getattr(row, column):
            return f"column {column} contradicts the leaf"
    if leaf["time"] != timestamp(row.time):
        return "column time contradicts the leaf"
    if row.payload is not None and commitment(row.salt, row.payload) != leaf["payload_commitment"]:
        return "the payload does not open its commitment"
    return None


def _tampered(seq: int, what: str) -> Refusal:
    LEDGER_TAMPERED.set(1)
    log.error("ledger_tampered", seq=seq, what=what)
    return Refusal("ledger_tampered", f"存证账本与已签名的内容不符,停止签名 / {what}", seq=seq)
