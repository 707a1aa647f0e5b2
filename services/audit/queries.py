"""Reads. Each takes an open connection; none decides anything."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chassis.among import among
from services.audit.domain.merkle import (
    Edge,
    Node,
    Span,
    complete_subtrees,
    consistency_spans,
    fold,
    inclusion_spans,
)
from services.audit.models import actors, cards, case_parties, checkpoints, entries, log_head, openings

# What is wanted travels as one JSON parameter, and each is looked up by its key: a join would be planned by the table's
# size at the moment of planning, and a young ledger outgrows such a plan.
_HASHES_POSTGRESQL = sa.text(
    "SELECT level, position, (SELECT hash FROM nodes n WHERE n.level = w.level AND n.position = w.position) AS hash"
    " FROM json_to_recordset(CAST(:wanted AS json)) AS w (level int, position bigint)"
)
_HASHES_SQLITE = sa.text(
    "SELECT level, position, (SELECT hash FROM nodes n WHERE n.level = w.level AND n.position = w.position) AS hash"
    " FROM (SELECT value ->> 'level' AS level, value ->> 'position' AS position FROM json_each(:wanted)) AS w"
)
_COUNTS_POSTGRESQL = sa.text(
    "SELECT value, (SELECT max(case_entry) FROM entries WHERE case_ref = value)"
    " FROM json_array_elements_text(CAST(:case_refs AS json))"
)
_COUNTS_SQLITE = sa.text(
    "SELECT value, (SELECT max(case_entry) FROM entries WHERE case_ref = value) FROM json_each(:case_refs)"
)
_RECORDED = sa.select(entries.c.event_id).where(among(entries.c.event_id, "event_ids"))
_PSEUDONYMS = sa.select(actors).where(among(actors.c.actor, "people"))


def ledger_size(connection: Connection) -> int:
    """How many entries the log has."""
    return int(connection.execute(sa.select(log_head.c.size)).scalar_one())


def hashes_of(connection: Connection, wanted: Iterable[Node]) -> dict[Node, bytes]:
    """Stored hashes of complete subtrees; what is not stored is not in the answer."""
    statement = _HASHES_POSTGRESQL if connection.dialect.name == "postgresql" else _HASHES_SQLITE
    listed = [{"level": node.level, "position": node.position} for node in sorted(set(wanted))]
    rows = connection.execute(statement, {"wanted": json.dumps(listed)})
    return {Node(row.level, row.position): row.hash for row in rows if row.hash is not None}


def edge_at(connection: Connection, size: int) -> Edge:
    """The right edge of the tree of ``size`` leaves. Raises KeyError when a stored hash is missing."""
    subtrees = complete_subtrees(Span(0, size))
    stored = hashes_of(connection, subtrees)
    return Edge(size, [stored[node] for node in subtrees])


def proofs(connection: Connection, proofs_spans: Sequence[Sequence[Span]]) -> list[list[bytes]]:
    """The hash of every span, for many proofs with one look at the tree."""
    stored = hashes_of(connection, {n for spans in proofs_spans for span in spans for n in complete_subtrees(span)})
    return [[fold([stored[n] for n in complete_subtrees(span)]) for span in spans] for spans in proofs_spans]


def inclusion_proofs(connection: Connection, indexes: Sequence[int], size: int) -> list[list[bytes]]:
    """Audit paths of the leaves at ``indexes`` in the tree of ``size``, leaf end first."""
    return proofs(connection, [inclusion_spans(index, size) for index in indexes])


def consistency_proof(connection: Connection, old: int, new: int) -> list[bytes]:
    """Proof that the tree of ``new`` leaves begins with the tree of ``old``; 0 < old <= new <= size."""
    return proofs(connection, [consistency_spans(old, new)])[0]


def latest_checkpoint(connection: Connection) -> Any | None:
    """The checkpoint row of the largest tree signed so far."""
    return connection.execute(sa.select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)).one_or_none()


def recorded(connection: Connection, event_ids: Collection[str]) -> set[str]:
    """Which of the events are in the ledger."""
    return set(connection.execute(_RECORDED, {"event_ids": sorted(event_ids)}).scalars())


def case_counts(connection: Connection, case_refs: Collection[str]) -> dict[str, int]:
    """Entries per case so far; cases without any are not in the answer."""
    statement = _COUNTS_POSTGRESQL if connection.dialect.name == "postgresql" else _COUNTS_SQLITE
    rows = connection.execute(statement, {"case_refs": json.dumps(sorted(case_refs))})
    return {row[0]: row[1] for row in rows if row[1] is not None}


def pseudonyms_of(connection: Connection, people: Collection[str]) -> dict[str, str]:
    """Pseudonyms that people already have in the ledger."""
    rows = connection.execute(_PSEUDONYMS, {"people": sorted(people)}) if people else ()
    return {row.actor: row.pseudonym for row in rows}


def entries_between(connection: Connection, span: Span) -> Sequence[Any]:
    """Entries with what opens them, in the order of the log."""
    return connection.execute(
        sa.select(entries, openings.c.salt, openings.c.payload)
        .outerjoin(openings, openings.c.seq == entries.c.seq)
        .where(entries.c.seq >= span.start, entries.c.seq < span.end)
        .order_by(entries.c.seq)
    ).fetchall()


def entries_of_case(connection: Connection, case_no: str) -> Sequence[Any]:
    """A case's entries with what opens them, in the order of the log."""
    return connection.execute(
        sa.select(entries, openings.c.salt, openings.c.payload)
        .outerjoin(openings, openings.c.seq == entries.c.seq)
        .where(entries.c.case_ref == case_no)
        .order_by(entries.c.seq)
    ).fetchall()


def party_of_case(connection: Connection, case_no: str) -> str | None:
    """Whose case it is."""
    return connection.execute(
        sa.select(case_parties.c.party).where(case_parties.c.case_no == case_no)
    ).scalar_one_or_none()


def last_entry_of_case(connection: Connection, case_no: str) -> int | None:
    """``seq`` of the case's newest entry."""
    return connection.execute(
        sa.select(sa.func.max(entries.c.seq)).where(entries.c.case_ref == case_no)
    ).scalar_one_or_none()


def cards_matching(connection: Connection, filters: dict[str, str], *, before: int | None, limit: int) -> Sequence[Any]:
    """Cards, newest first. ``filters`` are column -> value; ``before`` continues after the card at that position."""
    statement = sa.select(cards).order_by(cards.c.position.desc()).limit(limit)
    for column, value in filters.items():
        statement = statement.where(cards.c[column] == value)
    if before is not None:
        statement = statement.where(cards.c.position < before)
    return connection.execute(statement).fetchall()
