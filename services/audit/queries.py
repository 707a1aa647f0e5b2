"""Reads. Each takes an open connection; none decides anything."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chassis.among import among
from contracts.registry import EVENTS, decode
from services.audit.domain.exchange import Record, records_of
from services.audit.domain.merkle import (
    Edge,
    Node,
    Span,
    complete_subtrees,
    consistency_spans,
    fold,
    inclusion_spans,
)
from services.audit.models import (
    IS_ACT,
    actors,
    cards,
    case_parties,
    case_states,
    checkpoints,
    clocks,
    cosignatures,
    daily_figures,
    ends,
    entries,
    exchange_batches,
    exchange_marks,
    log_head,
    openings,
    ratings,
    total_figures,
)

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
# A task's end may have come before the task, or at the same moment as it; then its clock looks open until it is judged.
_OPEN_CLOCKS = sa.and_(clocks.c.ended_on.is_(None), ~sa.exists().where(ends.c.subject == clocks.c.task_id))
_PSEUDONYMS = sa.select(actors).where(among(actors.c.actor, "people"))
_ACTORS = sa.select(actors).where(among(actors.c.pseudonym, "pseudonyms"))


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


def first_checkpoint(connection: Connection) -> Any:
    """The checkpoint row of the smallest tree; there is one."""
    return connection.execute(sa.select(checkpoints).order_by(checkpoints.c.size).limit(1)).one()


def latest_cosignature(connection: Connection, witness: str) -> Any | None:
    """What the witness has cosigned last."""
    return connection.execute(sa.select(cosignatures).where(cosignatures.c.witness == witness)).one_or_none()


def cosigned_note(connection: Connection) -> str | None:
    """The largest checkpoint that a witness has cosigned, with every cosignature on it; None when there is none."""
    largest = sa.select(sa.func.max(cosignatures.c.size)).scalar_subquery()
    rows = connection.execute(
        sa.select(checkpoints.c.note, cosignatures.c.line)
        .join(cosignatures, cosignatures.c.size == checkpoints.c.size)
        .where(checkpoints.c.size == largest)
        .order_by(cosignatures.c.witness)
    ).fetchall()
    return rows[0].note + "".join(row.line for row in rows) if rows else None


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


def newest_entries(
    connection: Connection, case_no: str | None, *, acts: bool, before: int | None, limit: int
) -> Sequence[Any]:
    """Entries with their payload, newest first; of one case if given, or administrative ``acts`` only. ``before`` continues
    after the entry at that place.
    """
    statement = (
        sa.select(entries, openings.c.payload)
        .outerjoin(openings, openings.c.seq == entries.c.seq)
        .order_by(entries.c.seq.desc())
        .limit(limit)
    )
    if acts:
        statement = statement.where(IS_ACT)
    if case_no is not None:
        statement = statement.where(entries.c.case_ref == case_no)
    if before is not None:
        statement = statement.where(entries.c.seq < before)
    return connection.execute(statement).fetchall()


def actors_behind(connection: Connection, pseudonyms: Collection[str]) -> dict[str, str]:
    """Pseudonym -> the account it stands for."""
    rows = connection.execute(_ACTORS, {"pseudonyms": sorted(pseudonyms)}) if pseudonyms else ()
    return {row.pseudonym: row.actor for row in rows}


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


def has_ended(connection: Connection, case_no: str) -> bool:
    """Whether the case was closed, denied, not accepted or withdrawn."""
    return connection.execute(sa.select(ends.c.how).where(ends.c.subject == case_no).limit(1)).first() is not None


def rating_of_case(connection: Connection, case_no: str) -> Any | None:
    """The case's row of ``ratings``."""
    return connection.execute(sa.select(ratings).where(ratings.c.case_no == case_no)).one_or_none()


def totals(connection: Connection) -> dict[str, int]:
    """Figure -> all that was ever counted."""
    summed = sa.select(total_figures.c.figure, sa.func.sum(total_figures.c.number)).group_by(total_figures.c.figure)
    return {figure: int(number) for figure, number in connection.execute(summed)}


def totals_by_owner(connection: Connection, figures: Collection[str]) -> dict[str, dict[str, int]]:
    """Code of an item or a department -> figure -> all that was ever counted of it, for those of ``figures``."""
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(sa.select(total_figures).where(total_figures.c.figure.in_(sorted(figures)))):
        found.setdefault(row.whose, {})[row.figure] = row.number
    return found


def sums_by_day(connection: Connection, figures: Collection[str], since: date) -> dict[tuple[date, str], int]:
    """(day, figure) -> what was counted on it, from ``since`` on."""
    day, figure = daily_figures.c.day, daily_figures.c.figure
    summed = sa.select(day, figure, sa.func.sum(daily_figures.c.number)).group_by(figure, day)
    rows = connection.execute(summed.where(figure.in_(sorted(figures)), day >= since))
    return {(row[0], row[1]): int(row[2]) for row in rows}


def counted_on(connection: Connection, figure: str, day: date) -> dict[str, int]:
    """Code of an item or a department -> what was counted of it on ``day``."""
    number = sa.select(daily_figures.c.whose, daily_figures.c.number)
    rows = connection.execute(number.where(daily_figures.c.figure == figure, daily_figures.c.day == day))
    return {row.whose: row.number for row in rows}


def open_case_states(connection: Connection) -> Sequence[Any]:
    """Rows of state, accepted and number of open cases."""
    state, accepted = case_states.c.state, case_states.c.accepted
    return connection.execute(
        sa.select(state, accepted, sa.func.count().label("number")).where(state.is_not(None)).group_by(state, accepted)
    ).fetchall()


def open_tasks_by_department(connection: Connection, today: date) -> Sequence[Any]:
    """Rows of department and its open tasks: all, those due today and those overdue."""
    number = sa.func.count()
    return connection.execute(
        sa.select(
            clocks.c.department,
            number.label("open"),
            number.filter(clocks.c.due_on == today).label("due_today"),
            number.filter(clocks.c.due_on < today).label("overdue"),
        )
        .where(_OPEN_CLOCKS)
        .group_by(clocks.c.department)
    ).fetchall()


def most_urgent_tasks(connection: Connection, limit: int) -> Sequence[Any]:
    """Open tasks, those due first before the others."""
    return connection.execute(
        sa.select(clocks).where(_OPEN_CLOCKS).order_by(clocks.c.due_on, clocks.c.task_id).limit(limit)
    ).fetchall()


def exchange_records(connection: Connection, span: Span) -> list[tuple[int, list[Record]]]:
    """What each entry is in the exchange tables, in the order of the log; nothing for what is not reported or was erased."""
    return [(row.seq, _records(row)) for row in entries_between(connection, span)]


def _records(row: Any) -> list[Record]:
    if row.payload is None or row.type not in EVENTS:
        return []
    return records_of(decode(row.type, row.payload), record_no=row.seq, time=row.time)


def batches_to_confirm(connection: Connection, connector: str, *, limit: int) -> Sequence[Any]:
    """The oldest batches that were sent and not yet found at the hub."""
    mine = sa.and_(exchange_batches.c.connector == connector, exchange_batches.c.state == "sent")
    query = sa.select(exchange_batches).where(mine).order_by(exchange_batches.c.serial).limit(limit)
    return connection.execute(query).fetchall()


def batches_of(connection: Connection, connector: str, *, before: int | None, limit: int) -> Sequence[Any]:
    """A connector's batches, the newest first, those with a serial lower than ``before``."""
    query = sa.select(exchange_batches).where(exchange_batches.c.connector == connector)
    if before is not None:
        query = query.where(exchange_batches.c.serial < before)
    return connection.execute(query.order_by(exchange_batches.c.serial.desc()).limit(limit)).fetchall()


def batch_totals(connection: Connection, connector: str) -> Sequence[Any]:
    """Of each state: how many batches and records, how often something was sent again, and when the oldest was made."""
    b = exchange_batches.c
    counted = (
        sa.func.count().label("batches"),
        sa.func.sum(b.records).label("records"),
        sa.func.sum(b.resent).label("resent"),
        sa.func.min(b.made_at).label("oldest_made_at"),
    )
    query = sa.select(b.state, *counted).where(b.connector == connector).group_by(b.state)
    return connection.execute(query).fetchall()


def exchange_position(connection: Connection, connector: str) -> int:
    """Up to which entry of the ledger a connector's batches reach."""
    mine = sa.select(exchange_marks.c.next_seq).where(exchange_marks.c.connector == connector)
    return int(connection.execute(mine).scalar_one_or_none() or 0)
