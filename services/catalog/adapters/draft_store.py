"""Rows of drafts and of the history: every move of a draft leaves a row of who, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chassis.db import Tx
from chassis.errors import Refusal
from chassis.rights import Field, clause, one_of
from contracts.rights import Caller, needs
from services.catalog.domain.drafting import DraftState, require_move
from services.catalog.models import drafts, history

_DRAFT: Mapping[str, Field] = {"department": one_of(drafts.c.department)}


def own_drafts(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the drafts that ``caller`` may read and write."""
    return clause(needs(caller, "catalog:write"), _DRAFT)


def draft_row(connection: Connection, draft_id: str, which: sa.ColumnElement[bool], *, lock: bool = False) -> Row[Any]:
    """The draft if it is among ``which``. Raises Refusal ``draft_not_found``."""
    query = sa.select(drafts).where(drafts.c.draft_id == draft_id, which)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise Refusal("draft_not_found", "没有这个草稿 / there is no such draft", draft_id=draft_id)
    return row


def move_draft(tx: Tx, draft: Row[Any], to: DraftState, *, by: str, why: str, action: str, **columns: Any) -> None:
    """Bring the locked ``draft`` into another state. Raises Refusal ``draft_state``."""
    require_move(draft.state, to)
    changed = {"state": to.value, "changed_at": tx.now, "revision": draft.revision + 1} | columns
    tx.execute(sa.update(drafts).where(drafts.c.draft_id == draft.draft_id).values(changed))
    version = columns.get("version", draft.version)
    record(tx, draft.item_code, action, by=by, why=why, version=version, draft_id=draft.draft_id)


def record(
    tx: Tx,
    item_code: str,
    action: str,
    *,
    by: str,
    why: str = "",
    version: int | None = None,
    draft_id: str | None = None,
) -> None:
    """One line of the item's history: what was done, by which account or job, and why."""
    row = {
        "item_code": item_code, "version": version, "draft_id": draft_id,
        "action": action, "by": by, "at": tx.now, "why": why,
    }  # fmt: skip
    tx.insert(history, [row])
