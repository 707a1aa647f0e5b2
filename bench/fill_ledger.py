"""Fill the ledger with clones of a played case's entries: a true tree of RFC 6962, under a checkpoint of the log's own key."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from bench import sample
from bench.clones import Clone, Clones
from bench.stage import Running
from services.audit import queries
from services.audit.adapters.ledger_key import KEY
from services.audit.domain.leaf import timestamp
from services.audit.domain.merkle import Edge, leaf_hash
from services.audit.domain.notes import checkpoint_text
from services.audit.models import db
from services.audit.service import SERVICE
from services.audit.use_cases.append_events import SALT_BYTES

if TYPE_CHECKING:
    from bench.fill import Played

CHUNK = 500  # cases whose entries are written at a time
COPIES = {
    "entries": "COPY entries (seq, event_id, type, time, case_ref, case_entry, caseseq, leaf) FROM STDIN",
    "openings": "COPY openings (seq, salt, payload) FROM STDIN",
    "nodes": "COPY nodes (level, position, hash) FROM STDIN",
}
NULL = "\\N"


@dataclass(frozen=True)
class Pattern:
    """An entry of a played case. ``leaf`` and ``payload`` as stored, their own values to be replaced."""

    event_id: str
    type: str
    time: datetime
    case_entry: int | None
    caseseq: int | None
    leaf: str
    payload: str | None
    case_no: str
    licence_no: str
    since_submission: timedelta

    def own(self) -> tuple[str, str, str, str]:
        """What of the leaf is another in a clone: ``seq``, id, commitment and time, as they stand there."""
        leaf = json.loads(self.leaf)
        return f'"seq":{leaf["seq"]},', self.event_id, leaf["payload_commitment"], leaf["time"]


Writer = Callable[[int, Clone], tuple[str, str, bytes]]


def fill(running: Running, played: Sequence[Played], clones: Clones) -> None:
    """Append the clones' entries while nothing else is told, and sign. The head moves last."""
    sample.set_up(SERVICE, running.platform.database_url("audit"), running.platform.folder / "data")
    try:
        with db.read() as connection:
            size = queries.ledger_size(connection)
            edge = queries.edge_at(connection, size)
        database = running.database("audit")
        with psycopg.connect(database) as connection_of_patterns:
            writers = {case.kind: [_writer(p) for p in _patterns(connection_of_patterns, case)] for case in played}
        _write(database, _chunks(edge, writers, clones))
        _move_head(database, size, edge)
    finally:
        db.engine.dispose()


def _patterns(connection: psycopg.Connection[Any], case: Played) -> Iterator[Pattern]:
    rows = connection.execute(
        "SELECT event_id, type, time, case_entry, caseseq, leaf, payload FROM entries JOIN openings USING (seq)"
        " WHERE event_id = ANY(%s) ORDER BY seq",
        [case.events],
    )
    for event_id, kind, time, case_entry, caseseq, leaf, payload in rows:
        yield Pattern(
            event_id, kind, time, case_entry, caseseq, leaf.decode(), None if payload is None else payload.decode(),
            case.case_no, case.licence_no, time - case.submitted_at,
        )  # fmt: skip


def _writer(pattern: Pattern) -> Writer:
    """Writes the pattern's entry for a clone: lines of ``entries`` and ``openings``, and the leaf."""
    own_seq, own_id, own_commitment, own_time = pattern.own()
    kind = pattern.type
    case_entry = NULL if pattern.case_entry is None else str(pattern.case_entry)
    caseseq = NULL if pattern.caseseq is None else str(pattern.caseseq)

    def write(seq: int, clone: Clone) -> tuple[str, str, bytes]:
        salt, time = os.urandom(SALT_BYTES), timestamp(clone.at + pattern.since_submission)
        event_id, payload, commitment = _fresh_id(own_id, clone), NULL, salt.hex()
        if pattern.payload is not None:
            opened = pattern.payload.replace(pattern.case_no, clone.case_no)
            opened = opened.replace(pattern.licence_no, clone.licence_no)
            payload, commitment = "\\\\x" + opened.encode().hex(), hmac.digest(salt, opened.encode(), sha256).hex()
        leaf = (
            pattern.leaf.replace(pattern.case_no, clone.case_no).replace(own_id, event_id).replace(own_time, time)
            .replace(own_commitment, commitment).replace(own_seq, f'"seq":{seq},')
        ).encode()  # fmt: skip
        case_ref = NULL if pattern.case_entry is None else clone.case_no
        entry = f"{seq}\t{event_id}\t{kind}\t{time}\t{case_ref}\t{case_entry}\t{caseseq}\t\\\\x{leaf.hex()}\n"
        return entry, f"{seq}\t\\\\x{salt.hex()}\t{payload}\n", leaf

    return write


def _fresh_id(own: str, clone: Clone) -> str:
    """As in the other tables: ours in the order of time, departments' at random."""
    if own[14] == "7":
        return clone.stamp + own[13:]
    return str(UUID(bytes=md5(f"{own}{clone.n}".encode(), usedforsecurity=False).digest()))


def _chunks(edge: Edge, writers: dict[str, list[Writer]], clones: Clones) -> Iterator[dict[str, str]]:
    """Lines for each table; ``edge`` grows with them."""
    for start in range(0, clones.total, CHUNK):
        entries, openings, nodes = [], [], []
        for n in range(start, min(start + CHUNK, clones.total)):
            clone = clones[n]
            for write in writers["open" if clone.open else "closed"]:
                entry, opening, leaf = write(edge.size, clone)
                entries.append(entry)
                openings.append(opening)
                nodes += [
                    f"{node.level}\t{node.position}\t\\\\x{h.hex()}\n" for node, h in edge.append(leaf_hash(leaf))
                ]
        yield {"entries": "".join(entries), "openings": "".join(openings), "nodes": "".join(nodes)}


def _write(database: str, chunks: Iterator[dict[str, str]]) -> None:
    """Each table over a connection of its own, while the next lines are made."""
    with ExitStack() as cleanup:
        connections = {
            table: cleanup.enter_context(psycopg.connect(database, autocommit=True, client_encoding="utf8"))
            for table in COPIES
        }
        pool = cleanup.enter_context(ThreadPoolExecutor())
        writing: list[Future[None]] = []
        for chunk in chunks:
            for done in writing:
                done.result()
            writing = [pool.submit(_copy, connections[table], table, lines) for table, lines in chunk.items()]
        for done in writing:
            done.result()


def _copy(connection: psycopg.Connection[Any], table: str, lines: str) -> None:
    with connection.cursor() as cursor, cursor.copy(COPIES[table].encode()) as copy:
        copy.write(lines)


def _move_head(database: str, size: int, edge: Edge) -> None:
    """The size and the signature under it, if nobody has appended meanwhile."""
    note = KEY.sign(checkpoint_text(KEY.origin, edge.size, edge.root()))
    with psycopg.connect(database) as connection:
        moved = connection.execute("UPDATE log_head SET size = %s WHERE size = %s", [edge.size, size])
        assert moved.rowcount == 1, "something was told while the ledger was filled"
        connection.execute(
            "INSERT INTO checkpoints (size, root, note, signed_at) VALUES (%s, %s, %s, %s)",
            [edge.size, edge.root(), note, datetime.now(UTC)],
        )
