"""Who did what: entries of the ledger with the accounts behind their pseudonyms."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.engine import Connection

from services.audit import queries
from services.audit.domain.acts import TYPE, act_title
from services.audit.domain.trail import titles


def show_journal(
    connection: Connection, *, case_no: str | None, acts: bool, before: int | None, limit: int
) -> dict[str, Any]:
    """A page of entries, newest first, and the ``before`` of the next page. ``acts``: administrative ones only."""
    rows = queries.newest_entries(connection, case_no, acts=acts, before=before, limit=limit + 1)
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
        "act": _act(row.payload) if row.type == TYPE and row.payload is not None else None,
    }


def _act(payload: bytes) -> dict[str, Any]:
    """What was done to whom. The event has codes and ids only, so the whole of it may be read."""
    told = json.loads(payload)
    title, title_en = act_title(told["act"])
    shown = {name: told.get(name) for name in ("on", "before", "after", "reason")}
    return {"code": told["act"], "title": title, "title_en": title_en} | shown
