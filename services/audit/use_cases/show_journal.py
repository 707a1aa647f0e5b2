"""Who did what: entries of the ledger with the accounts behind their pseudonyms."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.engine import Connection

from services.audit import queries
from services.audit.domain.trail import titles


def show_journal(connection: Connection, *, case_no: str | None, before: int | None, limit: int) -> dict[str, Any]:
    """A page of entries, newest first, and the ``before`` of the next page."""
    rows = queries.newest_entries(connection, case_no, before=before, limit=limit + 1)
    page = [(row, json.loads(row.leaf)) for row in rows[:limit]]
    accounts = queries.actors_behind(
        connection, {leaf["actor_pseudonym"] for _, leaf in page if leaf.get("actor_pseudonym")}
    )
    return {
        "entries": [_entry(row, leaf, accounts) for row, leaf in page],
        "next": rows[limit - 1].seq if len(rows) > limit else None,
    }


def _entry(row: Any, leaf: dict[str, Any], accounts: dict[str, str]) -> dict[str, Any]:
    title, title_en = titles(row.type)
    return {
        "seq": row.seq,
        "time": row.time,
        "type": row.type,
        "title": title,
        "title_en": title_en,
        "producer": leaf["producer"],
        "case_no": row.case_ref,
        "actor": accounts.get(leaf.get("actor_pseudonym") or ""),
    }
