"""Reads of drafts, as far as their readers' rights go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from services.catalog.models import drafts

HEAD = (
    drafts.c.draft_id, drafts.c.item_code, drafts.c.name, drafts.c.department, drafts.c.state, drafts.c.revision,
    drafts.c.authors, drafts.c.reviewer, drafts.c.version, drafts.c.effective_from, drafts.c.created_at, drafts.c.changed_at,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DraftFilter:
    """What a list asks for; empty text means anything. ``before`` is the last draft of the page before."""

    state: str = ""
    item_code: str = ""
    before: str = ""
    page_size: int = 50


def find_drafts(connection: Connection, which: sa.ColumnElement[bool], wanted: DraftFilter) -> list[Row[Any]]:
    """The latest first; at most one more than the page."""
    d = drafts.c
    query = sa.select(*HEAD).where(which).order_by(d.draft_id.desc()).limit(wanted.page_size + 1)
    for column, value in ((d.state, wanted.state), (d.item_code, wanted.item_code)):
        if value:
            query = query.where(column == value)
    if wanted.before:
        query = query.where(d.draft_id < wanted.before)
    return list(connection.execute(query))
