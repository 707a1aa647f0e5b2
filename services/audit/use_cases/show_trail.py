"""A case's trail for those who may see it, with everything that proves it."""

from __future__ import annotations

import base64
import json
from typing import Any

from sqlalchemy.engine import Connection

from chassis.auth import Principal
from chassis.errors import Refusal
from services.audit import queries
from services.audit.adapters.ledger_key import KEY
from services.audit.domain.notes import trail_text
from services.audit.domain.trail import in_order, titles
from services.audit.use_cases.case_rights import unmet_for_case


def uncovered_trail(connection: Connection, case_no: str, reader: Principal) -> bool:
    """True if the newest entries of the case are under no checkpoint yet.

    Raises Refusal ``not_found`` when there is no such case, or it is none of the reader's business.
    """
    last = queries.last_entry_of_case(connection, case_no)
    if last is None or unmet_for_case(connection, reader, "trails:read", case_no) is not None:
        raise Refusal("not_found", "没有这个办件 / no such case", case_no=case_no)
    checkpoint = queries.latest_checkpoint(connection)
    return checkpoint is None or checkpoint.size <= last


def show_trail(connection: Connection, case_no: str) -> dict[str, Any]:
    """The trail under one checkpoint: every entry of the case among the first ``size`` of the log."""
    checkpoint = queries.latest_checkpoint(connection)
    assert checkpoint is not None
    rows = [row for row in queries.entries_of_case(connection, case_no) if row.seq < checkpoint.size]
    proofs = queries.inclusion_proofs(connection, [row.seq for row in rows], checkpoint.size)
    shown = {row.seq: _entry(row, proof) for row, proof in zip(rows, proofs, strict=True)}
    return {
        "case_no": case_no,
        "checkpoint": checkpoint.note,
        "statement": KEY.sign(trail_text(KEY.origin, case_no, len(rows), checkpoint.size)),
        "events": [shown[row.seq] for row in in_order(rows)],
    }


def _entry(row: Any, proof: list[bytes]) -> dict[str, Any]:
    title, title_en = titles(row.type)
    opened = row.payload is not None
    return {
        "seq": row.seq,
        "type": row.type,
        "time": json.loads(row.leaf)["time"],
        "title": title,
        "title_en": title_en,
        "leaf": row.leaf.decode(),
        "payload": base64.b64encode(row.payload).decode() if opened else None,
        "salt": base64.b64encode(row.salt).decode() if opened else None,
        "proof": [value.hex() for value in proof],
    }
