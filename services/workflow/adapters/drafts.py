"""Rows of drafts (草稿). Whose they are is a column of every statement."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.workflow.models import drafts

_BY_ID = sa.select(drafts).where(drafts.c.draft_id == sa.bindparam("draft_id"))
_OWN = _BY_ID.where(drafts.c.owner_id == sa.bindparam("owner_id"))


def draft_row(connection: sa.Connection, draft_id: str, owner_id: str, *, lock: bool = False) -> Any:
    """The owner's draft. Raises Refusal ``draft_unknown``: someone else's is as unknown as none."""
    statement = _OWN.with_for_update() if lock else _OWN
    row = connection.execute(statement, {"draft_id": draft_id, "owner_id": owner_id}).one_or_none()
    if row is None:
        raise draft_unknown(draft_id)
    return row


def draft_exists(tx: Tx, draft_id: str) -> bool:
    """Whether anyone has this draft."""
    return tx.execute(_BY_ID, {"draft_id": draft_id}).first() is not None


def delete_draft(tx: Tx, draft_id: str, owner_id: str) -> bool:
    """Delete the draft if it is the owner's; whether there was one."""
    d = drafts.c
    return tx.execute(sa.delete(drafts).where(d.draft_id == draft_id, d.owner_id == owner_id)).rowcount == 1


def draft_unknown(draft_id: str) -> Refusal:
    """The refusal to raise."""
    return Refusal("draft_unknown", "没有此草稿 / there is no such draft", draft_id=draft_id)
